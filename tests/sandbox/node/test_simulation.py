"""What annotations ask of simulated containers."""

from __future__ import annotations

import pytest

from haori.sandbox.node.simulation import Behaviour, behaviour_of, command_of


def pod(**annotations):
    return {"metadata": {"annotations": {f"sandbox.haori.dev/{key}": value for key, value in annotations.items()}}}


CASES = [
    ("nothing", {}, False, Behaviour()),
    ("a job's pod", {}, True, Behaviour(exit_after_seconds=0.5)),
    ("crash-loop", {"simulate": "crash-loop"}, False, Behaviour(exit_after_seconds=1.0, exit_code=1)),
    (
        "crash-loop with code",
        {"simulate": "crash-loop", "exit-code": "3", "exit-after": "5s"},
        False,
        Behaviour(exit_after_seconds=5.0, exit_code=3),
    ),
    ("oom", {"simulate": "oom"}, False, Behaviour(exit_after_seconds=1.0, exit_code=137, out_of_memory=True)),
    ("never-ready", {"simulate": "never-ready"}, False, Behaviour(becomes_ready=False)),
    ("never-starts", {"simulate": "never-starts"}, False, Behaviour(starts=False)),
    ("slow-start", {"slow-start": "10s"}, False, Behaviour(ready_after_seconds=10.0)),
    ("exit-code alone", {"exit-code": "2"}, False, Behaviour(exit_after_seconds=0.5, exit_code=2)),
    ("seconds without a unit", {"exit-after": "7"}, False, Behaviour(exit_after_seconds=7.0)),
    ("nonsense is passed over", {"exit-after": "soon", "exit-code": "-"}, False, Behaviour(exit_after_seconds=0.5)),
    ("a log", {"log": "hello"}, False, Behaviour(log="hello")),
]


@pytest.mark.parametrize(("annotations", "ends", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_behaviour(annotations, ends, expected):
    assert behaviour_of(pod(**annotations), "web", ends=ends, job_seconds=0.5) == expected


def test_an_annotation_can_name_one_container():
    asked = pod(**{"simulate.side": "crash-loop"})

    assert behaviour_of(asked, "web", ends=False, job_seconds=1) == Behaviour()
    assert behaviour_of(asked, "side", ends=False, job_seconds=1, main=False).exit_code == 1


def test_init_containers_mind_only_what_names_them():
    asked = pod(simulate="crash-loop")

    assert behaviour_of(asked, "init", ends=True, main=False, job_seconds=1).exit_code == 0


def test_commands_are_json_lists_of_texts():
    assert command_of(pod(**{"command.web": '["python3", "-V"]'}), "web") == ["python3", "-V"]
    assert command_of(pod(), "web") is None
    for wrong in ("python3", "[]", "[1]", "{}"):
        with pytest.raises(ValueError, match=r".*"):
            command_of(pod(**{"command.web": wrong}), "web")
