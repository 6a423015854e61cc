"""What tests of several commands need."""

import pytest
from hypothesis import HealthCheck, settings

from support.commandline import Tintype
from tintype_trainer.commandline import run_command_line
from tintype_trainer.interruption import Interruption

# A busy machine fails no test by being slow.
settings.register_profile("tintype", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tintype")


@pytest.fixture
def tintype(capsys: pytest.CaptureFixture[str]) -> Tintype:
    """The `tintype` command within this process."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run_command_line([str(argument) for argument in arguments], Interruption())
        said = capsys.readouterr()
        return code, said.out, said.err

    return call
