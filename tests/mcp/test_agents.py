"""Keys of agents, who makes a request, and the clients of instances whose credentials come with it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async import Governor, Marketo
from marketo_async.mcp.agents import (
    CLIENT_ID,
    CLIENT_SECRET,
    MUNCHKIN_ID,
    AgentIdentity,
    Doorkeeper,
    HeaderClients,
    HeaderCredentials,
    NotIdentified,
    hash_of,
    new_key,
)

KEY, OTHER = new_key("campaign"), new_key("reader")
DOOR = Doorkeeper(
    keys={"campaign": [hash_of("mka_campaign_old"), KEY.hash], "reader": [OTHER.hash], "guest": []},
    munchkin_ids=["123-ABC-456"],
    guest="guest",
)
SECRET = "secret-that-must-never-show"
HEADERS = {CLIENT_ID: "id", CLIENT_SECRET: SECRET, MUNCHKIN_ID: "123-abc-456"}


def test_a_key_names_its_agent_and_has_256_random_bits() -> None:
    assert re.fullmatch(r"mka_campaign_[A-Za-z0-9_-]{43}", KEY.key)
    assert KEY.hash == hash_of(KEY.key)
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", KEY.hash)
    assert new_key("campaign").key != KEY.key


@pytest.mark.parametrize(("key", "agent"), [(KEY, "campaign"), (OTHER, "reader")])
def test_a_key_identifies_its_agent(key: tuple[str, str], agent: str) -> None:
    assert DOOR.identify({"authorization": f"Bearer {key[0]}"}) == AgentIdentity(agent, "bearer")
    assert DOOR.identify({"authorization": f"bearer {key[0]}", **HEADERS}) == AgentIdentity(agent, "bearer")


@given(key=st.text(max_size=60))
def test_no_other_key_identifies(key: str) -> None:
    with pytest.raises(NotIdentified) as refused:
        DOOR.identify({"authorization": f"Bearer mka_{key}"})
    assert key not in str(refused.value) or len(key) < 20


def test_a_key_of_one_agent_does_not_name_another() -> None:
    forged = KEY.key.replace("campaign", "reader")
    with pytest.raises(NotIdentified, match="not known here"):
        DOOR.identify({"authorization": f"Bearer {forged}"})


def test_adobe_s_headers_identify_the_guest() -> None:
    found = DOOR.identify(HEADERS)
    assert found == AgentIdentity("guest", "headers", HeaderCredentials("123-ABC-456", "id", SECRET))
    assert SECRET not in repr(found)
    assert found.holder != AgentIdentity("guest", "headers", HeaderCredentials("123-ABC-456", "id", "other")).holder
    assert SECRET not in found.holder
    assert AgentIdentity("guest", "bearer").holder == "guest"


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "the request has no key"),
        ({"authorization": "Basic abc"}, "not a bearer key"),
        ({"authorization": "Bearer "}, "not a bearer key"),
        ({"authorization": "Bearer eyJhbGciOi", **HEADERS}, "takes no IMS tokens"),
        ({CLIENT_ID: "id", CLIENT_SECRET: SECRET}, "x-marketo-munchkin-id is missing"),
        ({**HEADERS, MUNCHKIN_ID: "999-XYZ-999"}, "not one that this server's owner allows"),
        ({**HEADERS, CLIENT_SECRET: ""}, "x-marketo-client-secret is missing"),
    ],
)
def test_what_does_not_identify_is_refused_with_a_reason(headers: Mapping[str, str], text: str) -> None:
    with pytest.raises(NotIdentified, match=text) as refused:
        DOOR.identify(headers)
    assert SECRET not in str(refused.value)


def test_headers_are_refused_where_the_policy_does_not_allow_them() -> None:
    with pytest.raises(NotIdentified, match="does not take credentials in headers"):
        Doorkeeper(keys={}).identify(HEADERS)


def credentials(number: int, instance: int = 100) -> HeaderCredentials:
    return HeaderCredentials(f"{instance}-ABC-456", f"id-{number}", SECRET)


class Made:
    """Makes clients, and remembers them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.made: list[Marketo] = []
        self.clients = HeaderClients(self.make, lambda: self.now)

    def make(self, given: HeaderCredentials, governor: Governor) -> Marketo:
        client = Marketo(
            given.munchkin_id, client_id=given.client_id, client_secret=given.client_secret, governor=governor
        )
        self.made.append(client)
        return client

    def open(self) -> list[bool]:
        return [client._opened is not None for client in self.made]


async def test_a_client_is_kept_for_its_credentials() -> None:
    made = Made()
    first = await made.clients.get(credentials(1))
    assert await made.clients.get(credentials(1)) is first
    other = await made.clients.get(credentials(2))
    assert other is not first
    assert other.governor is first.governor
    assert (await made.clients.get(credentials(1, 200))).governor is not first.governor
    await made.clients.close()
    assert made.open() == [False] * 3


async def test_requests_at_once_make_one_client() -> None:
    made = Made()
    await asyncio.gather(*(made.clients.get(credentials(1)) for _ in range(5)))
    assert made.open() == [True]
    await made.clients.close()


async def test_an_idle_client_is_closed_after_ten_minutes() -> None:
    made = Made()
    await made.clients.get(credentials(1))
    made.now = 599.0
    await made.clients.get(credentials(2))
    made.now = 600.0
    await made.clients.get(credentials(2))
    assert made.open() == [False, True]
    await made.clients.close()


async def test_at_most_32_clients_are_kept() -> None:
    made = Made()
    for number in range(33):
        await made.clients.get(credentials(number))
    assert made.open() == [False] + [True] * 32
    await made.clients.close()
