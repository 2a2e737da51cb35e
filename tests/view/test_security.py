"""Who may ask the view, and what a hostile folder of runs can do there: nothing."""

import os

import pytest
from browse_helpers import make_run, make_sweep
from view_helpers import HOST, Visitor, id_in

from mnistlab.store.notes import set_note

EVIL = '<img src=x onerror="document.title=1"><script>alert(1)</script>'


@pytest.fixture
def visitor(tmp_path):
    make_run(tmp_path / "runs" / "a")
    return Visitor(tmp_path / "runs")


@pytest.mark.parametrize(
    "hosts",
    [
        (),
        ("evil.example",),
        ("evil.example:8000",),
        ("127.0.0.1",),
        ("127.0.0.1:8001",),
        ("127.0.0.1:8000.evil.example",),
        (HOST, "evil.example"),
    ],
)
def test_another_host_is_refused(visitor, hosts):
    told = visitor.get("runs", headers=tuple(("host", host) for host in hosts))
    assert told.status == 421
    assert b"runs" not in told.body


@pytest.mark.parametrize("host", [HOST, "localhost:8000", "LOCALHOST:8000"])
def test_the_hosts_of_this_machine_are_accepted(visitor, host):
    assert visitor.get("runs", headers=(("host", host),)).status == 200


@pytest.mark.parametrize(
    "address", ["/", "/runs", "//runs", "/x/runs", "/%00/runs", "/pages", "/pages/a/b/report.html"]
)
def test_without_the_token_nothing_is_told(visitor, address):
    told = visitor.ask(address)
    assert told.status == 403
    assert "token" in told.body.decode()


def test_a_part_of_the_token_is_not_enough(visitor):
    token = visitor.secret.token
    assert len(token) >= 40
    for wrong in (token[:-1], f"{token}x", token.swapcase()):
        assert visitor.ask(f"/{wrong}/runs").status == 403
    assert visitor.ask(f"/{token}/runs").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_the_view_only_reads(visitor, method):
    assert visitor.get("runs", method=method).status == 405


def test_the_network_is_asked_by_the_view_s_own_pages_alone(visitor):
    foreign = (("host", HOST), ("origin", "http://evil.example"))
    assert visitor.get("answer", method="POST", headers=foreign).status == 403
    null = (("host", HOST), ("origin", "null"))
    assert visitor.get("answer", method="POST", headers=null).status == 403
    own = (("host", HOST), ("origin", f"http://{HOST}"))
    told = visitor.get("answer?id=x", method="POST", headers=own)
    assert told.status == 400
    assert "the run is gone" in told.document["errors"][0]


@pytest.mark.parametrize("address", ["", "runs", "view.js", "nothing-here"])
def test_every_answer_has_a_policy(visitor, address):
    headers = visitor.get(address).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def page_of(visitor, folder, name="report.html"):
    id = id_in(folder)
    return visitor.ask(f"/pages/{id}/{visitor.secret.page_key(id)}/{name}")


def test_a_page_of_a_folder_may_run_scripts_but_ask_nothing(visitor, tmp_path):
    run = tmp_path / "runs" / "a"
    (run / "report.html").write_text(EVIL)
    told = page_of(visitor, run)
    assert told.body.decode() == EVIL
    policy = told.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts")
    assert "same-origin" not in policy
    assert "connect-src" not in policy  # default-src 'none' forbids it
    told = visitor.get(f"run?id={id_in(run)}").document
    assert told["page"].startswith("/pages/")
    assert visitor.secret.token not in told["page"]


def test_the_key_of_a_folder_opens_no_other_folder(visitor, tmp_path):
    own, other = tmp_path / "runs" / "a", make_run(tmp_path / "runs" / "b")
    (other / "report.html").write_text("b")
    key = visitor.secret.page_key(id_in(own))
    assert visitor.ask(f"/pages/{id_in(other)}/{key}/report.html").status == 403


@pytest.mark.parametrize(
    "name",
    [
        "../secret/report.html",
        "%2e%2e/secret/report.html",
        "%2e%2e%2fsecret/report.html",
        "..%2f..%2fsecret%2freport.html",
        "trials/../../secret/report.html",
        "/secret/report.html",
        "//secret/report.html",
        "out/report.html",
        "plots/out.png",
        "linked.html",
        "config.yaml",
        "run.json",
        ".hidden/report.html",
        "report.html%00.png",
        "plots/%00.png",
        "plots/..",
        "plots",
        "",
        ".",
    ],
)
def test_no_file_outside_of_a_folder_s_pages_is_served(visitor, tmp_path, name):
    run, secret = tmp_path / "runs" / "a", tmp_path / "secret"
    secret.mkdir()
    (secret / "report.html").write_text("SECRET")
    (tmp_path / "runs" / "secret").symlink_to(secret)
    (run / "out").symlink_to(secret)
    (run / "plots").mkdir()
    (run / "plots" / "out.png").symlink_to(secret / "report.html")
    (run / "linked.html").symlink_to(secret / "report.html")
    (run / ".hidden").mkdir()
    (run / ".hidden" / "report.html").write_text("SECRET")
    told = page_of(visitor, run, name)
    assert told.status in (400, 403, 404)
    assert b"SECRET" not in told.body


def test_a_linked_report_that_leads_outside_is_refused(visitor, tmp_path):
    (tmp_path / "secret.html").write_text("SECRET")
    (tmp_path / "runs" / "a" / "report.html").symlink_to(tmp_path / "secret.html")
    told = page_of(visitor, tmp_path / "runs" / "a")
    assert told.status == 400
    assert "outside" in told.document["errors"][0]


def test_a_link_among_the_runs_is_no_run(visitor, tmp_path):
    outside = make_run(tmp_path / "elsewhere")
    (tmp_path / "runs" / "latest").symlink_to(outside)
    assert [row["folder"] for row in visitor.runs()["rows"].values()] == ["a"]


def test_pipes_and_devices_are_not_waited_for(visitor, tmp_path):
    run = tmp_path / "runs" / "a"
    for name in ("report.html", "notes.json", "metrics.csv"):
        os.mkfifo(run / name)
    (row,) = visitor.runs()["rows"].values()
    assert row["kind"] == "damaged"
    assert "a named pipe" in row["faults"][0]
    assert page_of(visitor, run).status in (400, 404)
    (run / "run.json").unlink()
    (run / "run.json").symlink_to("/dev/zero")
    (row,) = visitor.runs()["rows"].values()
    assert row["kind"] == "damaged"


def test_hostile_names_and_notes_are_told_as_json_and_never_as_markup(tmp_path):
    name = 'x<img src=x onerror=alert(1)>"&\x1b[31m'
    run = make_run(tmp_path / "runs" / name)
    set_note(run, EVIL)
    visitor = Visitor(tmp_path / "runs")
    told = visitor.get("runs")
    assert told.headers["content-type"] == "application/json"
    (row,) = told.document["rows"].values()
    assert row["folder"] == name
    assert row["note"] == EVIL
    for address in ("", f"try?id={id_in(run)}"):
        assert b"<img" not in visitor.get(address).body


def test_a_name_that_is_no_text_is_listed(tmp_path):
    make_sweep(tmp_path / "runs" / os.fsdecode(b"s\xff"), ["finished"])
    visitor = Visitor(tmp_path / "runs")
    (row,) = visitor.runs()["rows"].values()
    assert row["folder"] == "s\udcff"
    assert visitor.get(f"run?id={id_in(tmp_path / row['folder'])}").status == 200


def test_the_body_of_a_question_is_bounded(visitor, tmp_path):
    id = id_in(tmp_path / "runs" / "a")
    told = visitor.get(f"answer?id={id}", method="POST", body=bytes(1 << 21))
    assert told.status == 400
    assert "more than" in told.document["errors"][0]
