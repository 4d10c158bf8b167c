"""From the configuration to requests for the spawner."""

from collections.abc import Collection

import pytest

from snowfox.contract.record import instance_of, is_token, subject_of
from snowfox.contract.spawner import ListenSpec, Secret
from snowfox.core.posix.api import User, Users
from snowfox.manager.blueprint import Blueprints, free_uids, listen_specs
from snowfox.service import spec
from snowfox.service.beside import Beside
from snowfox.service.hook import Hook, Step
from snowfox.service.launch import Node
from snowfox.service.renewal import Reload
from snowfox.service.spec import Configuration, Log, Ready, Service, Socket


class FewUsers(Users):
    """Two users, one of whom has a uid that the services' range includes."""

    def __init__(self, *others: int) -> None:
        self._all = {1000: User("anna", 1000, 1000, "/home/anna", "/bin/sh")}
        self._all.update({uid: User(f"u{uid}", uid, uid, "/", "/bin/sh") for uid in others})

    def by_name(self, name: str) -> User | None:
        """By name."""
        return next((user for user in self._all.values() if user.name == name), None)

    def by_uid(self, uid: int) -> User | None:
        """By number."""
        return self._all.get(uid)

    def taken(self, uids: Collection[int]) -> frozenset[int]:
        """Of the same."""
        return frozenset(uid for uid in uids if uid in self._all)

    def groups(self, user: User) -> tuple[int, ...]:
        """Its own only."""
        return (user.gid,)

    def group_id(self, name: str) -> int | None:
        """There are no groups."""
        return None


def configuration() -> Configuration:
    """Two instances behind a socket of two addresses."""
    web = Service(
        "web",
        ("serve", "${INSTANCE}"),
        instances=2,
        sockets=("front",),
        ready=Ready(command=("check", "${INSTANCE}")),
        log=Log(size=1000, keep=1),
        owner=1000,
    )
    return Configuration(
        "shop", {"web": web}, {"front": Socket("front", ("127.0.0.1:80", "[::1]:80"))}, "0" * 64, "/srv/shop"
    )


NODE = Node("shop", 1000, "anna", is_root=False, notify="@n")


def blueprints() -> Blueprints:
    """Over that configuration, as an ordinary user."""
    return Blueprints(configuration(), NODE, FewUsers())


def test_a_socket_is_opened_per_address() -> None:
    """Keys name socket and address, as launches list them."""
    assert [(one.key, one.address) for one in listen_specs(configuration())] == [
        ("front=127.0.0.1:80", "127.0.0.1:80"),
        ("front=[::1]:80", "[::1]:80"),
    ]
    assert blueprints().launch("web@2", "T").sockets == ["front=127.0.0.1:80", "front=[::1]:80"]


def test_a_socket_with_a_file_has_mode_and_owner() -> None:
    """The others of the same name have none to have it."""
    front = Socket("front", ("127.0.0.1:80", "unix:@front", "unix:/srv/shop/front"), 7, 0o660, "anna", "web")
    own = configuration().replace(sockets={"front": front})
    assert listen_specs(own) == [
        ListenSpec("front=127.0.0.1:80", "127.0.0.1:80", 7),
        ListenSpec("front=unix:@front", "unix:@front", 7),
        ListenSpec("front=unix:/srv/shop/front", "unix:/srv/shop/front", 7, 0o660, "anna", "web"),
    ]


def test_secrets_are_named_only() -> None:
    """A launch, and a helper beside it, says which file is read; it holds nothing of it."""
    service = configuration().services["web"].replace(secrets=(spec.Secret("A", "secrets/a", "file"),))
    some = Blueprints(configuration().replace(services={"web": service}), NODE, FewUsers())
    for launch in (some.launch("web@1", "T"), some.helper("web@1", Beside("probe", ("check",)), "0" * 26)):
        assert launch.secrets == [Secret("A", "/srv/shop/secrets/a", "file")]


def test_each_instance_has_its_own_launch() -> None:
    """What is filled in differs, the token is the one given."""
    launch = blueprints().launch("web@2", "web@2~1")
    assert (launch.token, launch.arguments, launch.folder) == ("web@2~1", ["serve", "2"], "/srv/shop")


def test_prepared_launches_are_well_formed_and_used_once() -> None:
    """What is verified is what the first launch takes; the next one is made anew and equal."""
    some = blueprints()
    prepared, errors = some.prepare()
    assert errors == []
    assert all(is_token(launch.token) for launch in prepared)
    assert [subject_of(launch.token) for launch in prepared] == [
        "web@1",
        "ready of web@1",
        "web@2",
        "ready of web@2",
    ]
    first = some.launch("web@1", "web@1~1")
    assert first == prepared[0]._replace(token="web@1~1")
    assert some.launch("web@1", "web@1~1") == first
    assert list(some._prepared) == ["web@2"]


def test_commands_beside_an_instance_are_verified_with_it() -> None:
    """Hooks, reload, commands of the stop's steps and of probes, named by what they are for."""
    service = (
        configuration()
        .services["web"]
        .replace(
            instances=1,
            ready=Ready(),
            before_start=Hook(("prepare",)),
            reload=Reload(command=("read",)),
            stop=spec.Stop(steps=(Step(15), Step(command=("drain",)))),
            alive=spec.Alive(command=("ask",)),
        )
    )
    some = Blueprints(configuration().replace(services={"web": service}), NODE, FewUsers())
    prepared, errors = some.prepare()
    assert errors == []
    assert all(is_token(launch.token) for launch in prepared)
    assert [(subject_of(launch.token), launch.program) for launch in prepared[1:]] == [
        ("before-start of web", "prepare"),
        ("reload of web", "read"),
        ("stop-2 of web", "drain"),
        ("alive of web", "ask"),
    ]


def test_what_beside_an_instance_cannot_be_made_is_told_once_for_its_service() -> None:
    """A name that is not set in a hook is told before anything starts."""
    service = configuration().services["web"].replace(after_exit=Hook(("${NOBODY}",)))
    some = Blueprints(configuration().replace(services={"web": service}), NODE, FewUsers())
    _, (error,) = some.prepare()
    assert "${NOBODY} is not set" in str(error)


def test_a_helper_has_neither_sockets_nor_output_and_a_name_of_its_own() -> None:
    """It runs as the service does, but takes nothing that the service needs."""
    helper = blueprints().helper("web@1", Beside("probe", ("check", "1")), "0" * 26)
    assert is_token(helper.token)
    assert instance_of(helper.token) not in {"web", "web@1", "web@2"}
    assert (helper.arguments, helper.sockets, helper.output, helper.folder) == (
        ["check", "1"],
        [],
        False,
        "/srv/shop",
    )


def test_readiness_and_log_are_those_of_the_service() -> None:
    """Filled in for the instance; what is unknown gets the defaults."""
    some = blueprints()
    assert some.ready("web@2").command == ("check", "2")
    assert some.log("web@1") == Log(size=1000, keep=1)
    assert some.log("gone") == Log()


@pytest.mark.parametrize("manager", [0, 61200])
def test_dynamic_uids_avoid_users_and_the_manager(manager: int) -> None:
    """A uid that somebody has is not given to a service."""
    own = Configuration("n", {"a": Service("a", ("x",))}, {}, "0" * 64, "/srv")
    first = free_uids(own, FewUsers(), manager)["a"]
    second = free_uids(own, FewUsers(first), manager)["a"]
    assert len({first, second, manager}) == 3


def test_what_cannot_be_launched_is_told_once_per_service() -> None:
    """A user that there is not is one line, whatever the number of instances; the others are prepared."""
    own = configuration()
    api = Service("api", ("x",), instances=3, user="nobody-here", owner=0)
    both = own.replace(services={**own.services, "api": api})
    root = Node("shop", 0, "root", is_root=True)
    launches, errors = Blueprints(both, root, FewUsers()).prepare()
    assert {instance_of(launch.token) for launch in launches if launch.output} == {"web@1", "web@2"}
    assert [str(error) for error in errors] == [
        "cannot run service api as nobody-here: there is no such user"
    ]
