"""What a suggestion leaves to a person: each line's # may be taken away, and the tenant's file is one that loads."""

import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from inventra_pipelines.cli.mapping import mapping_yaml
from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.tenant import Dataset, FileMapping
from inventra_pipelines.sources.reader.suggest import suggest
from inventra_pipelines.tenants import load_tenant

_COMMENTED = re.compile(r"^( +)# ((?:\w+:|- ).*?)( +# (.*))?$")
_MARKS = ("decimal_mark", "thousands_mark")
_SALES = "Date,SKU,Qty,Unit Price\n"

# File, what the tenant states, and how many ways of answering there are.
_FILES: dict[str, tuple[Dataset, str, dict[str, Any], int]] = {
    "dates-and-numbers": ("sales", _SALES + '01/02/2024,A,"1,234",2\n03/04/2024,B,"2,345",2\n', {}, 9),
    "points": ("sales", _SALES + "2024-01-02,A,1.234,2\n", {}, 3),
    "dates-beside-stated-formats": (
        "sales",
        _SALES + "31.12.2023,A,1,2\n01/02/2024,B,1,2\n",
        {"date_formats": ["%d.%m.%Y"]},
        3,
    ),
    "two-shapes-of-dates": (
        "purchase_orders",
        "po,line,sku,order_date,qty,due_date\n1,1,A,31-Dec-2023,5,01/02/2024\n",
        {},
        3,
    ),
    "stated-marks-that-read-less": (
        "sales",
        _SALES + '2024-01-02,A,"1,234",2\n',
        {"decimal_mark": ".", "thousands_mark": " "},
        3,
    ),
    "stated-marks-the-other-way": (
        "sales",
        _SALES + '2024-01-02,A,"3,50",2.50\n',
        {"decimal_mark": ",", "thousands_mark": "'"},
        1,
    ),
    "a-column-perhaps": ("items", "SKU,Farbe,Bezeichner Text\nA,rot,X\n", {}, 2),
    "two-columns-perhaps": ("items", "SKU,Leverancers,Bezeichner Text\nA,X,Y\n", {}, 2),
    "a-column-perhaps-beside-one": ("items", "SKU,Warengruppe,Bezeichner Text\nA,X,Y\n", {}, 2),
    "missing-columns": ("purchase_orders", "sku,qty\nA,5\n", {}, 2),
    "missing-beside-stated-constants": ("purchase_orders", "sku,qty\nA,5\n", {"constants": {"order_id": "7"}}, 3),
}


def ways(text: str) -> list[str]:
    """The text with one alternative of each setting uncommented or none: the marks of one reading go together."""
    lines = text.splitlines()
    asked: dict[str, dict[str, list[int]]] = {}
    for place, line in enumerate(lines):
        found = _COMMENTED.match(line)
        if found:
            name = found[2].split(":")[0] if found[2][0] != "-" else "- "
            answers = asked.setdefault("marks" if name in _MARKS else f"{found[1]}{name}", {})
            answers.setdefault(found[4] if name in _MARKS else str(place), []).append(place)
    written = []
    for chosen in itertools.product(*([[], *answers.values()] for answers in asked.values())):
        places = set(itertools.chain(*chosen))
        written.append(
            "\n".join(re.sub("# ", "", line, count=1) if at in places else line for at, line in enumerate(lines))
        )
    return written


@pytest.mark.parametrize("case", _FILES)
def test_taking_the_sign_away_leaves_a_file_that_loads(tmp_path: Path, case: str):
    dataset, content, stated, number = _FILES[case]
    file = tmp_path / "file.csv"
    file.write_text(content)
    text = mapping_yaml(
        suggest(file, CONTRACTS[dataset], FileMapping.model_validate(stated), sorted(stated), file.name)
    )
    found = ways(text)
    assert len(found) >= number, text
    mappings = []
    for pasted in found:
        (tmp_path / "shop.yaml").write_text(f"tenant_id: shop\nname: Shop\n{pasted}\n")
        mappings.append(load_tenant(tmp_path / "shop.yaml").datasets[dataset].model_dump_json(exclude_unset=True))
    # Each answer says something else.
    assert len(set(mappings)) == len(mappings), text


def test_each_reading_of_a_date_and_a_number_reads_the_file(tmp_path: Path):
    dataset, content, *_ = _FILES["dates-and-numbers"]
    file = tmp_path / "file.csv"
    file.write_text(content)
    text = mapping_yaml(suggest(file, CONTRACTS[dataset], FileMapping(), [], file.name))
    accepted = set()
    for pasted in ways(text):
        (tmp_path / "shop.yaml").write_text(f"tenant_id: shop\nname: Shop\n{pasted}\n")
        mapping = load_tenant(tmp_path / "shop.yaml").datasets[dataset]
        look = suggest(file, CONTRACTS[dataset], mapping, sorted(mapping.model_fields_set), file.name).look
        if look.rows_accepted == 2:
            accepted.add((look.first_rows[0]["sold_at"][:10], look.first_rows[0]["quantity"]))
    assert accepted == {(day, number) for day in ("2024-02-01", "2024-01-02") for number in ("1234", "1.234")}


def test_a_file_that_needs_nothing_has_an_empty_mapping(tmp_path: Path):
    file = tmp_path / "file.csv"
    file.write_text(_SALES + "2024-01-02,A,1,2\n")
    assert mapping_yaml(suggest(file, CONTRACTS["sales"], FileMapping(), [], file.name)).splitlines() == [
        "datasets:",
        "  sales: {}",
    ]
