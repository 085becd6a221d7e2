"""Clusters that forecasting may run on: where they are, how they are reached, and how work goes there and back.

Belongs here: what knows Ray, Dask, Spark or Fugue, and no Dagster. The pool of this machine is `worker_pool.py` above.
"""
