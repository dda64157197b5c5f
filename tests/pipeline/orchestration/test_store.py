import pytest

from components.errors import InputError
from pipeline.orchestration import dag
from pipeline.orchestration.store import COMPLETE, LineageStore, open_store
from tests.pipeline.number_nodes import nodes


def test_pipelines_share_a_database(tmp_path):
    url = f"sqlite:///{tmp_path}/shared.db"
    for name in ("one", "two"):
        with open_store(url, name) as store:
            done = list(dag.run(nodes(), str(tmp_path / name), None, store, "command"))
            assert not any(entry.cached for entry in done)
            assert len(store.executions()) == 3 and {e["state"] for e in store.executions()} == {COMPLETE}
    with pytest.raises(InputError, match="expected a database"):
        LineageStore("nowhere://", "one")
    with pytest.raises(InputError, match="cannot be opened"):
        LineageStore(f"sqlite:///{tmp_path}/no/such/folder.db", "one")
