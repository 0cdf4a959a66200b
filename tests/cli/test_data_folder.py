"""A data folder is Haori's own: nothing is made in somebody else's, nothing but Haori's is deleted."""

import pytest

from haori.cli.instance import Instance, InstanceError, write_json
from haori.cli.main import run_command


@pytest.mark.parametrize(
    "command",
    [
        ["sandbox", "start", "--detach"],
        ["up", "--detach"],
        ["engine"],
        ["run", "engine"],
        ["sandbox", "node", "--kubeconfig", "{kubeconfig}"],
    ],
    ids=" ".join,
)
def test_a_folder_with_other_content_is_refused_and_left_alone(tmp_path, command):
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("{}")
    folder = tmp_path / "mine"
    folder.mkdir(mode=0o755)
    (folder / "file").write_text("x")
    arguments = [each.format(kubeconfig=kubeconfig) for each in command]
    assert run_command([*arguments, "--data-dir", str(folder)]) == 2
    assert [path.name for path in folder.iterdir()] == ["file"]
    assert folder.stat().st_mode & 0o777 == 0o755


def test_the_refusal_names_the_folder_and_what_is_in_it(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InstanceError) as raised:
        Instance(tmp_path).create()
    assert raised.value.code == "data-folder-foreign"
    assert raised.value.parameters["names"] == ["file"]


def test_an_empty_folder_is_taken_and_known_again(tmp_path):
    (tmp_path / "lost+found").mkdir()
    instance = Instance(tmp_path)
    instance.create()
    instance.create()
    assert instance.settings.exists()


def test_reset_deletes_what_haori_made_and_nothing_else(tmp_path):
    instance = Instance(tmp_path / "data")
    instance.create()
    write_json(instance.data_dir / "engine" / "listener.json", {})
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("x")
    (instance.data_dir / "git").symlink_to(elsewhere)
    (instance.data_dir / "mine").write_text("x")
    assert run_command(["reset", "--yes", "--data-dir", str(instance.data_dir)]) == 0
    assert [path.name for path in instance.data_dir.iterdir()] == ["mine"]
    assert (elsewhere / "file").exists()


def test_reset_deletes_the_folder_that_is_empty_then(tmp_path):
    instance = Instance(tmp_path / "data")
    instance.create()
    assert run_command(["reset", "--yes", "--data-dir", str(instance.data_dir)]) == 0
    assert not instance.data_dir.exists()
