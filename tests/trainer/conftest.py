"""What tests of several commands need."""

import pytest

from support.commandline import Tintype
from tintype_trainer.commandline import run_command_line
from tintype_trainer.interruption import Interruption


@pytest.fixture
def tintype(capsys: pytest.CaptureFixture[str]) -> Tintype:
    """The `tintype` command within this process."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run_command_line([str(argument) for argument in arguments], Interruption())
        said = capsys.readouterr()
        return code, said.out, said.err

    return call
