"""A site with two tenants' reports in memory and on disk, and clients that know their tokens or do not."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient

from inventra_pipelines.portal.artifacts import Artifact
from inventra_pipelines.portal.tokens import TokenBook

DAY = date(2011, 12, 9)
PDF = b"%PDF-1.4 a report"


@dataclass
class MemoryStore:
    rows: dict[tuple[str, date, str], Artifact] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def list_days(self, tenant_id: str) -> list[date]:
        self.calls.append(tenant_id)
        return sorted({day for tenant, day, _ in self.rows if tenant == tenant_id})

    def list_artifacts(self, tenant_id: str, day: date) -> list[Artifact]:
        self.calls.append(tenant_id)
        return [row for (tenant, on, _), row in sorted(self.rows.items()) if tenant == tenant_id and on == day]

    def find(self, tenant_id: str, day: date, report: str) -> Artifact | None:
        self.calls.append(tenant_id)
        return self.rows.get((tenant_id, day, report))


@dataclass
class Site:
    app: FastAPI
    store: MemoryStore
    folder: Path
    tokens: TokenBook
    seconds: list[float]

    def add(self, tenant: str = "gifts", day: date = DAY, report: str = "daily_pdf", content: bytes = PDF) -> Artifact:
        suffix = {"daily_pdf": "pdf", "daily_workbook": "xlsx"}[report]
        path = self.folder / tenant / day.isoformat() / f"{tenant}-{day}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        relative = str(path.relative_to(self.folder))
        row = Artifact(report, day, path.name, relative, digest, len(content))
        self.store.rows[tenant, day, report] = row
        return row

    def change(self, report: str = "daily_pdf", **values: object) -> None:
        key = ("gifts", DAY, report)
        self.store.rows[key] = replace(self.store.rows[key], **values)

    def visitor(self, base_url: str = "http://localhost:3001") -> TestClient:
        return TestClient(self.app, base_url=base_url, follow_redirects=False)

    def reader(self, tenant: str = "gifts", base_url: str = "http://localhost:3001") -> TestClient:
        client = self.visitor(base_url)
        answer = client.post("/login", data={"tenant": tenant, "token": self.tokens.token_of(tenant)})
        assert answer.status_code == 303
        return client
