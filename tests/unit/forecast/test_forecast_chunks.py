"""Work items: a case reads nothing after its origin, and cutting work up changes nothing."""

from collections.abc import Iterable

import numpy as np
import pytest

from inventra_pipelines.domain.forecast.chunks import Chunk, ChunkResult, run_chunk, run_chunks, split_chunk
from inventra_pipelines.domain.forecast.methods import BASELINE, METHODS, forecast_series

METHOD_NAMES = (*METHODS, BASELINE)


@pytest.fixture
def chunk() -> Chunk:
    """Six series of 20 to 30 weeks, each as of three origins by every method."""
    values = np.random.default_rng(4).poisson(12, (6, 30)).astype(float)
    lengths = np.array([30, 28, 26, 24, 22, 20])
    values[np.arange(30)[None, :] < (30 - lengths)[:, None]] = 0
    rows, offsets, method_ids = (
        axis.ravel() for axis in np.meshgrid(np.arange(6), [0, 4, 9], np.arange(len(METHOD_NAMES)), indexing="ij")
    )
    return Chunk(values, lengths, rows, offsets, method_ids, METHOD_NAMES, horizon=3, season_weeks=13)


def test_a_case_is_the_forecast_of_its_series_cut_at_its_origin(chunk: Chunk) -> None:
    result = run_chunk(chunk)
    for case, (row, offset, method_id) in enumerate(zip(chunk.rows, chunk.offsets, chunk.method_ids, strict=True)):
        cut = chunk.values[row, 30 - chunk.lengths[row] : 30 - offset].copy()
        expected = forecast_series(cut, METHOD_NAMES[method_id], 3, 13)
        assert result.means[case].tolist() == expected.mean.tolist()
        assert result.models_used[case] == expected.model_used
        assert result.fallback_reasons[case] == expected.fallback_reason


@pytest.mark.parametrize("cases_per_chunk", [1, 10, 10_000])
def test_cutting_work_up_changes_nothing(chunk: Chunk, cases_per_chunk: int) -> None:
    calls = []

    def counted(function: object, chunks: Iterable[Chunk]) -> Iterable[ChunkResult]:
        calls.append(function)
        return map(run_chunk, chunks)

    whole = run_chunk(chunk)
    first, second = run_chunks([chunk, chunk], counted, cases_per_chunk)
    for result in (first, second):
        assert result.means.tobytes() == whole.means.tobytes()
        assert result.models_used == whole.models_used
        assert result.fallback_reasons == whole.fallback_reasons
    assert calls == [run_chunk]


def test_a_part_carries_only_the_series_it_needs(chunk: Chunk) -> None:
    parts = list(split_chunk(chunk, 3 * len(METHOD_NAMES)))
    assert [part.values.shape[0] for part in parts] == [1] * 6
    assert [part.lengths.tolist() for part in parts] == [[length] for length in chunk.lengths]


def test_no_work_is_no_result(chunk: Chunk) -> None:
    empty = next(split_chunk(chunk, 1))
    none = Chunk(
        empty.values[:0], empty.lengths[:0], empty.rows[:0], empty.offsets[:0], empty.method_ids[:0], (), 3, 13
    )
    assert run_chunks([none], map, 10)[0].means.shape == (0, 3)
