"""The lineage store: which execution made which artifact, of what, with what, and when.

An embedded SQLite database by default; any database that SQLAlchemy speaks to, by its URL. After ML Metadata's
executions, artifacts and events, whose package cannot be installed beside current TensorFlow.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import datetime
import os
import uuid
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from components.errors import InputError
from serving.protocol.addresses import masked

RUNNING, COMPLETE, FAILED, CACHED = "running", "complete", "failed", "cached"
#: The name of a pipeline whose database lies in its own output folder: it stays when the folder is moved or copied.
OWN = "."
_METADATA = sa.MetaData()
EXECUTIONS = sa.Table(
    "executions",
    _METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("pipeline", sa.String(1024), nullable=False, index=True),
    sa.Column("node", sa.String(64), nullable=False),
    sa.Column("component", sa.String(256), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("cache_key", sa.String(64), nullable=False, index=True),
    sa.Column("started", sa.String(32), nullable=False),
    sa.Column("ended", sa.String(32)),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("code", sa.String(64), nullable=False),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.Column("versions", sa.JSON, nullable=False),
    sa.Column("error", sa.Text),
)
ARTIFACTS = sa.Table(
    "artifacts",
    _METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("execution", sa.ForeignKey("executions.id"), nullable=False, index=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("uri", sa.String(1024), nullable=False),
    sa.Column("live", sa.Boolean, nullable=False),
)
INPUTS = sa.Table(
    "inputs",
    _METADATA,
    sa.Column("execution", sa.ForeignKey("executions.id"), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("artifact", sa.ForeignKey("artifacts.id"), nullable=False),
)


@dataclasses.dataclass(frozen=True)
class Identity:
    """Everything that can change what an execution makes.

    Attributes:
        component: Its class, dotted.
        code: Fingerprint of the sources.
        parameters: JSON-ready.
        inputs: Input name -> artifact id.
        versions: Package -> version.
        cache_key: Hash of all that.
    """

    component: str
    code: str
    parameters: dict[str, Any]
    inputs: dict[str, str]
    versions: dict[str, str]
    cache_key: str


class LineageStore:
    """Records executions of one pipeline (one output folder) and finds what can be used again.

    A database in the output folder itself names neither the folder nor where its artifacts are but from there on, so
    that a run that was moved or copied is still known.

    Args:
        url: SQLAlchemy's URL of the database, such as `sqlite:///runs/a/lineage.db` or `postgresql+psycopg://...`.
        pipeline: Name of the pipeline in it: the output folder's absolute path or URI.

    Raises:
        InputError: If the database cannot be opened.
    """

    def __init__(self, url: str, pipeline: str):
        self.pipeline = pipeline
        try:
            self._engine = sa.create_engine(url)
            if self._engine.dialect.name == "sqlite":
                # A killed run's open transaction must not keep the next run waiting for ever.
                sa.event.listen(
                    self._engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=FULL")
                )
            _METADATA.create_all(self._engine)
            self._own = _lies_in(self._engine.url, pipeline)
            self._name = OWN if self._own else pipeline
            if self._own:
                self._adopt()
        except (sa.exc.SQLAlchemyError, ModuleNotFoundError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"expected a database for --lineage, but {url!r} cannot be opened: {reason}") from None

    def close(self) -> None:
        """Lets go of the database."""
        self._engine.dispose()

    def start(self, node: str, identity: Identity, command: str) -> str:
        """Records that a node begins; what it made before is live no more. Returns the execution's id."""
        with self._engine.begin() as connection:
            made = sa.select(EXECUTIONS.c.id).where(self._of(node))
            connection.execute(sa.update(ARTIFACTS).where(ARTIFACTS.c.execution.in_(made)).values(live=False))
            killed = sa.and_(self._of(node), EXECUTIONS.c.state == RUNNING)
            connection.execute(sa.update(EXECUTIONS).where(killed).values(state=FAILED, error="the run was stopped"))
            return self._record(connection, node, identity, command, RUNNING)

    def finish(self, execution: str, outputs: dict[str, tuple[str, str]]) -> dict[str, str]:
        """Records that an execution is complete and its outputs, name -> (type, URI), are live; returns their ids."""
        ids = {name: uuid.uuid4().hex for name in outputs}
        with self._engine.begin() as connection:
            for name, (kind, uri) in outputs.items():
                row = {
                    "id": ids[name],
                    "execution": execution,
                    "name": name,
                    "type": kind,
                    "uri": self._written(uri),
                    "live": True,
                }
                connection.execute(sa.insert(ARTIFACTS).values(row))
            self._end(connection, execution, COMPLETE)
        return ids

    def fail(self, execution: str, error: str) -> None:
        """Records that an execution failed."""
        with self._engine.begin() as connection:
            self._end(connection, execution, FAILED, masked(error))

    def reuse(self, node: str, identity: Identity, command: str) -> None:
        """Records that a node was skipped because live artifacts have its cache key."""
        with self._engine.begin() as connection:
            self._end(connection, self._record(connection, node, identity, command, CACHED), CACHED)

    def live(self, node: str, cache_key: str | None = None) -> dict[str, str]:
        """The live outputs of a node, name -> artifact id; of executions with a cache key alone if one is given."""
        query = (
            sa.select(ARTIFACTS.c.name, ARTIFACTS.c.id)
            .join(EXECUTIONS)
            .where(self._of(node), EXECUTIONS.c.state == COMPLETE, ARTIFACTS.c.live)
        )
        if cache_key is not None:
            query = query.where(EXECUTIONS.c.cache_key == cache_key)
        with self._engine.connect() as connection:
            return {row.name: row.id for row in connection.execute(query)}

    def executions(self) -> list[dict]:
        """All executions of the pipeline by start, each with `outputs` (rows of artifacts) and `inputs` (name ->
        artifact id)."""
        with self._engine.connect() as connection:
            query = sa.select(EXECUTIONS).where(EXECUTIONS.c.pipeline == self._name).order_by(EXECUTIONS.c.started)
            more = {"pipeline": self.pipeline, "outputs": [], "inputs": {}}
            found = {row.id: copy.deepcopy({**row._mapping, **more}) for row in connection.execute(query)}
            for row in connection.execute(sa.select(ARTIFACTS).where(ARTIFACTS.c.execution.in_(found))):
                found[row.execution]["outputs"].append({**row._mapping, "uri": self._told(row.uri)})
            for row in connection.execute(sa.select(INPUTS).where(INPUTS.c.execution.in_(found))):
                found[row.execution]["inputs"][row.name] = row.artifact
        return list(found.values())

    def _of(self, node):
        return sa.and_(EXECUTIONS.c.pipeline == self._name, EXECUTIONS.c.node == node)

    def _written(self, uri):
        """A URI as it is recorded: from the output folder on, if the database lies there."""
        inside = os.path.relpath(uri, self.pipeline) if self._own and "://" not in uri else ".."
        return uri if inside.split(os.sep)[0] == ".." else inside

    def _told(self, uri):
        return os.path.join(self.pipeline, uri) if self._own and "://" not in uri else uri

    def _adopt(self):
        """Takes over records of the folder under the path that it had, which earlier versions wrote."""
        with self._engine.begin() as connection:
            names = set(connection.execute(sa.select(EXECUTIONS.c.pipeline).distinct()).scalars()) - {OWN}
            name = self.pipeline if self.pipeline in names else next(iter(names), None) if len(names) == 1 else None
            if name is None:
                return
            made = sa.select(EXECUTIONS.c.id).where(EXECUTIONS.c.pipeline == name)
            start = os.path.join(name, "")
            inside = sa.and_(ARTIFACTS.c.execution.in_(made), ARTIFACTS.c.uri.startswith(start, autoescape=True))
            rest = sa.func.substr(ARTIFACTS.c.uri, len(start) + 1)
            connection.execute(sa.update(ARTIFACTS).where(inside).values(uri=rest))
            connection.execute(sa.update(EXECUTIONS).where(EXECUTIONS.c.pipeline == name).values(pipeline=OWN))

    def _record(self, connection, node, identity, command, state):
        execution = uuid.uuid4().hex
        row = {"id": execution, "pipeline": self._name, "node": node, "state": state, "started": _now()}
        fields = {f.name: getattr(identity, f.name) for f in dataclasses.fields(identity) if f.name != "inputs"}
        connection.execute(sa.insert(EXECUTIONS).values(**row, **fields, command=command))
        for name, artifact in identity.inputs.items():
            connection.execute(sa.insert(INPUTS).values(execution=execution, name=name, artifact=artifact))
        return execution

    def _end(self, connection, execution, state, error=None):
        change = sa.update(EXECUTIONS).where(EXECUTIONS.c.id == execution)
        connection.execute(change.values(state=state, ended=_now(), error=error))


@contextlib.contextmanager
def open_store(url: str, pipeline: str) -> Iterator[LineageStore]:
    """A `LineageStore` that is closed at the end of the block."""
    store = LineageStore(url, pipeline)
    try:
        yield store
    finally:
        store.close()


def _lies_in(url, folder):
    """Whether a database is a file in a folder."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return False
    return os.path.dirname(os.path.realpath(url.database)) == os.path.realpath(folder)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")
