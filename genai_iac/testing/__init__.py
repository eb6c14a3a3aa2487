"""For tests of other packages: the contract that every sink is held to, and the local OCI emulator as a pytest fixture.

    pytest_plugins = ["genai_iac.testing"]  # in conftest.py: the fixture `tenancy`

    class TestMySink(SinkContract):
        @pytest.fixture
        def harness(self, tmp_path: Path) -> SinkHarness:
            return MyHarness(tmp_path)

Needs pytest (the extra `testing`). docs/testing-sinks.md has the whole way; examples/sink-package is a package to start from.
"""

from genai_iac.testing.sink_contract import SinkContract
from genai_iac.testing.sink_harness import SinkHarness
from genai_iac.testing.tenancy import LocalTenancy, tenancy

__all__ = ["LocalTenancy", "SinkContract", "SinkHarness", "tenancy"]
