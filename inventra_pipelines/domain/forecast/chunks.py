"""Units of forecasting work that a worker process can do alone, and their results.

Belongs here: what crosses the process boundary and the function that runs on the other side. Like `methods.py` it
imports no frame library, so that a spawned worker starts quickly.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from inventra_pipelines.domain.forecast.methods import forecast_series


@dataclass(frozen=True)
class Chunk:
    """Cases to forecast: each is a series of `values`, as of some weeks before its last column, by a method.

    Attributes:
        values: Units per week, series x weeks, right-aligned.
        lengths: Weeks of each series.
        rows: Series of each case.
        offsets: Weeks before the last column at which each case stands; later columns are not read for it.
        method_ids: Index into `methods` of each case.
        methods: Names of methods.
        horizon: Weeks to forecast.
        season_weeks: Season of the baseline.
    """

    values: np.ndarray
    lengths: np.ndarray
    rows: np.ndarray
    offsets: np.ndarray
    method_ids: np.ndarray
    methods: tuple[str, ...]
    horizon: int
    season_weeks: int


@dataclass(frozen=True)
class ChunkResult:
    """Forecasts in the order of the chunk's cases: means (cases x horizon), what made each, and fallback reasons."""

    means: np.ndarray
    models_used: list[str]
    fallback_reasons: list[str | None]


MapChunks = Callable[[Callable[[Chunk], ChunkResult], Iterable[Chunk]], Iterable[ChunkResult]]


def run_chunk(chunk: Chunk) -> ChunkResult:
    """Forecasts every case of a chunk; the result of a case depends on its series, offset and method only."""
    weeks = chunk.values.shape[1]
    means = np.empty((len(chunk.rows), chunk.horizon))
    models_used: list[str] = []
    fallback_reasons: list[str | None] = []
    place, cache = (-1, -1), dict[str, np.ndarray]()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case, (row, offset, method_id) in enumerate(
            zip(chunk.rows.tolist(), chunk.offsets.tolist(), chunk.method_ids.tolist(), strict=True)
        ):
            if place != (row, offset):
                place, cache = (row, offset), {}
            units = np.ascontiguousarray(chunk.values[row, weeks - chunk.lengths[row] : weeks - offset])
            made = forecast_series(units, chunk.methods[method_id], chunk.horizon, chunk.season_weeks, cache)
            means[case] = made.mean
            models_used.append(made.model_used)
            fallback_reasons.append(made.fallback_reason)
    return ChunkResult(means, models_used, fallback_reasons)


def split_chunk(chunk: Chunk, cases_per_chunk: int) -> Iterator[Chunk]:
    """Cuts a chunk into smaller ones, in order, each with no more series than its cases need."""
    for start in range(0, len(chunk.rows), cases_per_chunk):
        part = slice(start, start + cases_per_chunk)
        kept, rows = np.unique(chunk.rows[part], return_inverse=True)
        yield replace(
            chunk,
            values=chunk.values[kept],
            lengths=chunk.lengths[kept],
            rows=rows,
            offsets=chunk.offsets[part],
            method_ids=chunk.method_ids[part],
        )


def run_chunks(chunks: Sequence[Chunk], map_chunks: MapChunks, cases_per_chunk: int) -> list[ChunkResult]:
    """Runs chunks of any size through one call of `map_chunks`, in parts of `cases_per_chunk`; a result per chunk."""
    parts = (part for chunk in chunks for part in split_chunk(chunk, cases_per_chunk))
    results = iter(map_chunks(run_chunk, parts))
    joined = []
    for chunk in chunks:
        count = -(-len(chunk.rows) // cases_per_chunk)
        joined.append(_join([next(results) for _ in range(count)], chunk.horizon))
    return joined


def _join(results: list[ChunkResult], horizon: int) -> ChunkResult:
    return ChunkResult(
        np.concatenate([result.means for result in results]) if results else np.empty((0, horizon)),
        [name for result in results for name in result.models_used],
        [reason for result in results for reason in result.fallback_reasons],
    )
