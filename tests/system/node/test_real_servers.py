"""Real programs: nginx on a passed socket, redis by its port, PostgreSQL by a command."""

from __future__ import annotations

import http.client
import os
import pwd
import socket
import subprocess
from contextlib import closing

from snowfox.testing.node import Node
from snowfox.testing.programs import POSTGRES, folder_of, missing, need, user_line


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_nginx_on_a_passed_socket(node: Node) -> None:
    """nginx takes over the listening socket (NGINX), serves, and a restart refuses nothing."""
    nginx = need("nginx")
    port = free_port()
    data = folder_of(node, "nginx", "www-data")
    (data / "index.html").write_text("hello from nginx")
    (data / "nginx.conf").write_text(
        f"""daemon off; pid {data}/nginx.pid; error_log stderr;
events {{}}
http {{
  access_log off; client_body_temp_path {data}/b; proxy_temp_path {data}/p; fastcgi_temp_path {data}/f;
  uwsgi_temp_path {data}/u; scgi_temp_path {data}/s;
  server {{ listen 127.0.0.1:{port}; root {data}; }}
}}
"""
    )
    node.write(
        f"""
[socket.front]
listen = "127.0.0.1:{port}"

[service.nginx]
command = ["{nginx}", "-c", "{data}/nginx.conf", "-p", "{data}", "-e", "stderr"]
directory = "/"
environment = {{ NGINX = "3;" }}
sockets = ["front"]
stop = {{ signal = "QUIT", grace = "5s" }}
{user_line("www-data")}"""
    )
    node.good("up", "-d")

    def get() -> str:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            connection.request("GET", "/")
            return connection.getresponse().read().decode()

    assert get() == "hello from nginx"
    before = node.running()["nginx"].pid
    node.good("restart", "nginx")
    assert node.running()["nginx"].pid != before
    assert get() == "hello from nginx"
    node.kill("spawner")
    assert get() == "hello from nginx"


def test_redis_is_ready_by_its_port(node: Node) -> None:
    """`up` returns when redis accepts on its port, not before."""
    redis = need("redis-server")
    port = free_port()
    node.write(
        f"""
[service.cache]
command = ["{redis}", "--port", "{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
directory = "/"
ready = {{ tcp = "127.0.0.1:{port}" }}
{user_line("nobody")}"""
    )
    node.good("up", "-d")
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(100) == b"+PONG\r\n"


def test_postgresql_is_ready_by_a_command(node: Node) -> None:
    """`up` returns when pg_isready says so."""
    if not POSTGRES:
        missing("PostgreSQL")
    bin_folder = POSTGRES[-1].parent
    port = free_port()
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    data = folder_of(node, "pg", "postgres")
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.getuid() == 0 else []
    subprocess.run(
        [*as_user, bin_folder / "initdb", "-D", data / "data", "-A", "trust", "-N", "--locale=C"],
        check=True,
        capture_output=True,
        cwd=data,
        timeout=60,
    )
    node.write(
        f"""
[service.database]
command = ["{bin_folder}/postgres", "-D", "{data}/data", "-p", "{port}", "-h", "127.0.0.1", "-k", ""]
directory = "{data}"
ready = {{ command = ["{bin_folder}/pg_isready", "-h", "127.0.0.1", "-p", "{port}"] }}
stop = {{ signal = "INT", grace = "10s" }}
{user_line("postgres")}"""
    )
    node.good("up", "-d")
    done = subprocess.run(
        [
            bin_folder / "psql",
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-U",
            user,
            "-d",
            "postgres",
            "-Atc",
            "select 6*7",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.stdout.strip() == "42", done.stderr
