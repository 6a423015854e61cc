import itertools
import os
import socket
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from devcluster import numbers
from devcluster.errors import DevclusterError
from devcluster.mounts import outermost
from devcluster.plan import Plan

PLAN = Plan(Path("/state"), Path("/programs"), 7, True, 1, "access", "secret", ("/usr", "/opt/checkout"), ("kueue",))


def test_a_plan_survives_its_file(tmp_path: Path) -> None:
    plan = replace(PLAN, state=tmp_path)
    plan.write()
    assert Plan.read(tmp_path) == plan
    assert (tmp_path / "plan.json").stat().st_mode & 0o077 == 0


def test_a_box_has_addresses_of_its_own_and_a_control_plane_is_on_loopback() -> None:
    assert (PLAN.address, PLAN.host_address, PLAN.interface) == ("10.254.7.2", "10.254.7.1", "tintype7")
    assert PLAN.s3_endpoint.startswith("http://10.254.7.2:")
    assert replace(PLAN, node=False).server.startswith("https://127.0.0.1:")


def test_no_two_numbers_share_a_port_and_none_is_handed_out_by_the_kernel() -> None:
    ports = [port for number in numbers.NUMBERS for port in replace(PLAN, number=number).ports()]
    assert len(ports) == len(set(ports))
    assert max(ports) < 30000


def test_interface_names_fit_into_the_kernel() -> None:
    assert all(len(replace(PLAN, number=number).interface) <= 15 for number in numbers.NUMBERS)


def test_a_number_is_taken_once_and_free_again_when_its_descriptor_is_closed(tmp_path: Path) -> None:
    first, descriptor = numbers.take(lambda _: (), tmp_path)
    second, other = numbers.take(lambda _: (), tmp_path)
    assert (first, second) == (1, 2)
    assert numbers.is_held(1, tmp_path)
    os.close(descriptor)
    assert not numbers.is_held(1, tmp_path)
    again, descriptor = numbers.take(lambda _: (), tmp_path)
    assert again == 1
    os.close(descriptor)
    os.close(other)


def test_a_number_whose_port_is_used_by_others_is_passed_over(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        used = other.getsockname()[1]
        number, descriptor = numbers.take(lambda number: (used,) if number < 3 else (), tmp_path)
    os.close(descriptor)
    assert number == 3


def test_running_out_of_numbers_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "NUMBERS", range(1, 1))
    with pytest.raises(DevclusterError, match="devcluster down"):
        numbers.take(lambda _: (), tmp_path)


def test_only_outermost_folders_are_mounted() -> None:
    paths = ["/usr", "/srv/checkout/.venv", "/srv/checkout", "/usr/local", "/root/python", "/usr"]
    assert outermost(map(PurePosixPath, paths)) == ("/root/python", "/srv/checkout", "/usr")


def test_outermost_does_not_take_a_longer_name_for_a_folder_within() -> None:
    pairs = itertools.permutations([PurePosixPath("/lib"), PurePosixPath("/lib64")])
    assert all(outermost(pair) == ("/lib", "/lib64") for pair in pairs)
