"""Instances that a TOML file describes: what is read, what is refused, and that no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async.errors import ConfigurationError
from marketo_async.governor import SQLiteStore
from marketo_async.instances import CredentialSource, Instance, instances_of, load_instances

SECRET = "canary-Zq7"
MAIN = f'[instances.main]\nmunchkin_id = "123-abc-456"\nclient_id = "id"\nclient_secret = "{SECRET}"\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "instances.toml"
    path.write_text(text)
    return path


def test_every_instance_is_read_by_its_name(tmp_path: Path) -> None:
    text = MAIN + '[instances.eu]\nbase_url = "http://127.0.0.1:8080/rest"\nclient_id = { env = "I" }\n'
    found = load_instances(written(tmp_path, text + 'client_secret = { env = "S" }\ncalls_a_day = 7\n'))

    assert {name: instance.endpoint for name, instance in found.items()} == {
        "main": "https://123-abc-456.mktorest.com",
        "eu": "http://127.0.0.1:8080",
    }
    assert found["main"].literal
    assert not found["eu"].literal
    assert found["main"].client().munchkin_id == "123-ABC-456"
    assert found["eu"].governor().limits.daily == 7


@pytest.mark.parametrize("store", ["limits.db", "redis://127.0.0.1:1/0"])
def test_the_store_of_an_instance_is_a_file_or_a_server(tmp_path: Path, store: str) -> None:
    if "://" in store:
        pytest.importorskip("redis")
    place = store if "://" in store else str(tmp_path / store)
    made = Instance(munchkin_id="123-ABC-456", client_id="i", client_secret="s", store=place).governor()

    assert isinstance(made.store, SQLiteStore) is ("://" not in store)


def test_credentials_come_from_the_environment_and_from_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    instance = Instance(
        munchkin_id="123-ABC-456",
        client_id=CredentialSource(env="ID"),
        client_secret=CredentialSource(file=str(tmp_path / "secret")),
    )
    client = instance.client(environment={"ID": "from-env"})

    assert (client._client_id, client._client_secret) == ("from-env", SECRET)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (CredentialSource(env="NOT_SET"), "client_id: the variable NOT_SET is not set; set it in the environment"),
        (
            CredentialSource(file="/nowhere/x"),
            "client_id: /nowhere/x can't be read (FileNotFoundError); check the path",
        ),
        (CredentialSource(file="/dev/null"), "client_id: /dev/null is empty; write the credential into it"),
    ],
)
def test_a_credential_that_is_not_there_is_named(source: CredentialSource, message: str) -> None:
    instance = Instance(munchkin_id="123-ABC-456", client_id=source, client_secret=SECRET)

    with pytest.raises(ConfigurationError) as caught:
        instance.client(environment={})

    assert str(caught.value) == message


BROKEN = {
    "": "it describes no instance; add a table such as [instances.main]",
    "[agents.x]\n": "'agents' is not known here; this file takes [instances.NAME] tables",
    MAIN + "munchkin = 3\n": "instances.main: object contains unknown field `munchkin`; possible are munchkin_id,",
    MAIN.replace('"id"', "5"): "instances.main.client_id: expected `str | object`, got `int`",
    MAIN.replace(
        '"id"', "{ path = 1 }"
    ): "main.client_id: object contains unknown field `path`; possible are env, file",
    MAIN.replace('"id"', "{ }"): 'main.client_id: give either { env = "NAME" } or { file = "PATH" }',
    MAIN.replace('"id"', '""'): "main.client_id: it is empty; give the text, either",
    MAIN.replace("123-abc-456", "abc"): "main.munchkin_id: 'abc' is not a munchkin id like '123-ABC-456'",
    MAIN.replace("munchkin_id", "base_url").replace("123-abc-456", "http://h.example"): "main.base_url: h.example: tok",
    MAIN + 'base_url = "https://h.example"\n': "main: give munchkin_id or base_url, and only one of them",
    MAIN + "calls_a_day = 0\n": "main.calls_a_day: expected `int` >= 1",
    MAIN + "calls_a_day = \n": "it is not TOML: Invalid value (at line 5, column 15)",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_mistake_is_named_with_its_place_and_without_the_secret(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(ConfigurationError) as caught:
        load_instances(path)

    assert str(caught.value).startswith(f"{path}: ")
    assert BROKEN[text] in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        load_instances(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(ConfigurationError, match="byte 2 is not UTF-8; save the file as UTF-8"):
        load_instances(tmp_path / "latin.toml")


PLACES = st.sampled_from(["client_id", "client_secret", "calls_a_day", "store", "munchkin_id"])
VALUES = st.sampled_from(
    [SECRET, [SECRET], {"env": [SECRET]}, {"file": 1, "env": SECRET}, {"env": SECRET, "file": "x"}]
)


@given(PLACES, VALUES)
def test_no_description_shows_a_secret(place: str, value: object) -> None:
    """A secret in its right place, or in a wrong one whose mistake is about types, is in no error and no repr."""
    table = {"munchkin_id": "123-ABC-456", "client_id": SECRET, "client_secret": SECRET, place: value}
    try:
        shown = repr(instances_of({"main": table}, "file"))
    except ConfigurationError as error:
        shown = str(error) if place != "munchkin_id" or value != SECRET else ""

    assert SECRET not in shown
