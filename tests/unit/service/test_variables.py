"""Whether the names that services fill in are there."""

from snowfox.testing.configuration import shown


def web(text):
    """A service with these keys."""
    return f'[service.web]\ncommand = "web"\n{text}\n'


def test_names_to_fill_in():
    """Each name is known or refused, exactly where it stands."""
    text = (
        '[service.web]\ncommand = ["web", "x ${HOM}"]\ndirectory = "${DIR}"\n'
        'environment = { A = "${B}", B = "${SERVICE} ${NODE} ${INSTANCE} ${PATH}", D = "${X:-${Y}}" }\n'
        'ready = { command = "check ${SOCKET_FRNT_PORT} ${SOCKET_FRONT_PORT} ${SOCKET_U_PORT}" }\n'
        '[socket.front]\nlisten = ":80"\n[socket.u]\nlisten = "unix:u"\n'
    )
    assert shown(text) == (
        'snowfox.toml:2:22: cannot read service web: "HOM" is not set\n'
        '    2 | command = ["web", "x ${HOM}"]\n'
        '      |                      ^^^^^^ did you mean "HOME"?\n'
        'snowfox.toml:3:14: cannot read service web: "DIR" is not set\n'
        '    3 | directory = "${DIR}"\n'
        "      |              ^^^^^^ write it in environment\n"
        "snowfox.toml:4:80: cannot read service web: a default cannot hold braces\n"
        '    4 | environment = { A = "${B}", B = "${SERVICE} ${NODE} ${INSTANCE} ${PATH}", D = "${X:-${Y}}" }\n'
        "      | " + " " * 79 + "^^^^^^^^^ write it in environment, and its name here\n"
        'snowfox.toml:5:28: cannot read service web: "SOCKET_FRNT_PORT" is not set\n'
        '    5 | ready = { command = "check ${SOCKET_FRNT_PORT} ${SOCKET_FRONT_PORT} ${SOCKET_U_PORT}" }\n'
        '      |                            ^^^^^^^^^^^^^^^^^^^ did you mean "SOCKET_FRONT_PORT"?\n'
        "snowfox.toml:5:69: cannot read service web: socket u has no port\n"
        '    5 | ready = { command = "check ${SOCKET_FRNT_PORT} ${SOCKET_FRONT_PORT} ${SOCKET_U_PORT}" }\n'
        "      | " + " " * 68 + "^^^^^^^^^^^^^^^^"
    )


def test_environment_made_from_itself():
    """Variables that need one another are refused; one that adds to what is there by itself is fine."""
    text = web('environment = { A = "${B}", B = "x${A}", PATH = "/opt:${PATH}" }')
    assert (
        shown(text).split("\n")[0]
        == "snowfox.toml:3:21: cannot read service web: A is made from itself: A from B from A"
    )


def test_variable_made_from_nothing():
    """A variable that is only made from itself is not set."""
    assert 'service web: "A" is not set' in shown(web('environment = { A = "${A}" }'))


def test_defaults():
    """A name with a default need not be there, wherever names are taken; a circle is one all the same."""
    text = web(
        'command = "web ${A:-1}"\ndirectory = "${B:-app}"\nready = { http = "${HOST:-127.0.0.1}:${P:-80}" }\n'
        'environment = { C = "${C:-c}", D = "${SOCKET_U_PORT:-1}" }'
    ).replace('command = "web"\n', "")
    assert shown(text + '[socket.u]\nlisten = "unix:u"\n') == ""
    assert "A is made from itself" in shown(web('environment = { A = "${B:-x}", B = "${A:-y}" }'))
    assert '"127.0.0.1:x" is not HOST:PORT' in shown(web('ready = { tcp = "127.0.0.1:${P:-x}" }'))
