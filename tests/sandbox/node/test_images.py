"""Image names, rules and the file they stand in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from haori.sandbox.node.images import ImageRuleFile, ImageRules, image_id, normalise_image, read_rules

EXAMPLE = Path(__file__).parents[3] / "examples/wear/platform/sandbox/images.yaml"


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("team/app", "docker.io/team/app:latest"),
        ("localhost/app:1", "localhost/app:1"),
        ("host:5000/app", "host:5000/app:latest"),
        ("registry.example/shop/app:1.2", "registry.example/shop/app:1.2"),
        ("registry.example/app@sha256:00", "registry.example/app@sha256:00"),
    ],
)
def test_image_names_are_completed_as_runtimes_do(image, full):
    assert normalise_image(image) == full


def test_the_first_rule_that_matches_decides():
    rules = read_rules({"rules": [{"image": "r.example/a:1.*"}, {"image": "r.example/*", "known": False}]})

    assert rules.problem_of("r.example/a:1.0") is None
    assert rules.problem_of("other.example/a:1.0") is None
    assert rules.problem_of("r.example/a:2.0") == (
        'rpc error: code = NotFound desc = failed to pull and unpack image "r.example/a:2.0": '
        'failed to resolve reference "r.example/a:2.0": r.example/a:2.0: not found'
    )


def test_what_no_rule_names_follows_the_default():
    assert ImageRules(default=False).problem_of("nginx") is not None
    assert read_rules({"default": "unknown"}).problem_of("nginx") is not None
    assert read_rules(None).problem_of("nginx") is None


@pytest.mark.parametrize(
    ("image", "known"),
    [
        ("registry.wear.example/coordinate-api:1.4.2", True),
        ("registry.wear.example/ranking:1.3.1", True),
        ("registry.wear.example/coordinate-api:2.0.0", False),
        ("registry.wear.example/coordinate-api:1.4", False),
        ("registry.wear.example/coordinate-api", False),
        ("nginx", True),
    ],
)
def test_the_example_knows_what_its_pipeline_pushed(image, known):
    assert (ImageRuleFile(EXAMPLE).current().problem_of(image) is None) is known


def test_a_changed_file_is_read_again_and_a_broken_one_changes_nothing(tmp_path):
    path = tmp_path / "images.yaml"
    file = ImageRuleFile(path)
    assert file.current().problem_of("a") is None

    path.write_text("default: unknown")
    assert file.current().problem_of("a") is not None

    path.write_text("{")
    os.utime(path, ns=(1, 1))
    assert file.current().problem_of("a") is not None

    path.unlink()
    assert file.current().problem_of("a") is None


def test_an_image_id_is_stable_and_claims_no_registry():
    assert image_id("nginx") == image_id("docker.io/library/nginx:latest")
    assert image_id("nginx").startswith("sandbox.haori.dev/simulated@sha256:")
