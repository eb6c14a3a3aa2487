"""Stands in for `gh api`: keeps a repository's comments, issues and runs in a file, and allows what the job's permissions allow."""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

STORE = Path(os.environ["HUB"])
BOT = {"login": "github-actions[bot]"}
ALLOWED = json.loads(os.environ["HUB_PERMISSIONS"])
NEEDED = (  # method, path, permission, level
    ("GET", r"issues/\d+/comments", "pull-requests", "read"),
    ("POST|PATCH|DELETE", r"issues/(\d+/comments|comments/\d+)", "pull-requests", "write"),
    ("GET", r"issues", "issues", "read"),
    ("POST|PATCH", r"issues(/\d+)?", "issues", "write"),
    ("POST", r"code-scanning/sarifs", "security-events", "write"),
    ("GET", r"actions/workflows/[\w.-]+/runs", "actions", "read"),
)


def main() -> None:
    """One request: `gh api [flags] PATH`."""
    flags = argparse.ArgumentParser(allow_abbrev=False)
    flags.add_argument("api", choices=["api"])
    flags.add_argument("path")
    flags.add_argument("--method", default="GET")
    flags.add_argument("--paginate", action="store_true")
    flags.add_argument("--silent", action="store_true")
    flags.add_argument("--field", action="append", default=[])
    flags.add_argument("--raw-field", action="append", default=[])
    flags.add_argument("--input")
    flags.add_argument("--jq")
    asked = flags.parse_args()
    path, _, query = asked.path.removeprefix(f"repos/{os.environ['GITHUB_REPOSITORY']}/").partition("?")
    check(asked.method, path)
    fields = dict(pair.split("=", 1) for pair in asked.raw_field)
    fields |= {name: value_of(text) for name, text in (pair.split("=", 1) for pair in asked.field)}
    fields |= json.loads(Path(asked.input).read_text(encoding="utf-8")) if asked.input else {}
    hub = json.loads(STORE.read_text())
    hub["requests"].append({"method": asked.method, "path": path, "query": query, "fields": sorted(fields)})
    answer = carry_out(hub, asked.method, path, fields)
    STORE.write_text(json.dumps(hub))
    if not asked.silent:
        answer_with(answer, asked.jq)


def check(method: str, path: str) -> None:
    """Refuse what no token was given for, or what the token may not."""
    for methods, pattern, permission, level in NEEDED:
        if re.fullmatch(methods, method) and re.fullmatch(pattern, path):
            if os.environ.get("GH_TOKEN") and ALLOWED.get(permission) in (level, "write"):
                return
            sys.exit(f"gh: Resource not accessible by integration (HTTP 403): {permission}: {level}")
    sys.exit(f"gh: Not Found (HTTP 404): {method} {path}")


def value_of(text: str) -> str:
    """What `--field` makes of its value: a file's text after @."""
    return Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text


def carry_out(hub: dict, method: str, path: str, fields: dict) -> object:
    """Change the store and answer as the API does."""
    if path == "code-scanning/sarifs":
        hub["sarifs"].append(fields)
        return {"id": str(len(hub["sarifs"]))}
    kind, number = ("comments" if "comments" in path else "runs" if "runs" in path else "issues"), numbers(path)
    if method == "GET":
        rows = [row for row in hub[kind] if row.get("issue") in (None, *number) and row.get("state") != "closed"]
        return {"workflow_runs": [row for row in rows if wanted(row, fields)]} if kind == "runs" else rows
    if method == "POST":
        row = {
            "number": len(hub[kind]) + 100,
            "id": len(hub["requests"]) + 1000,
            "user": BOT,
            "state": "open",
            **fields,
        }
        hub[kind].append(row | {"issue": number[0] if number else None})
        return row
    key = "id" if kind == "comments" else "number"
    (row,) = [row for row in hub[kind] if row[key] == number[0]]
    if method == "DELETE":
        hub[kind].remove(row)
    row.update(fields)
    return row


def numbers(path: str) -> list[int]:
    """The numbers in a path: of an issue, or of a comment."""
    return [int(part) for part in path.split("/") if part.isdigit()]


def wanted(run: dict, fields: dict) -> bool:
    """Whether a run is one of those asked for."""
    return run["branch"] == fields["branch"] and run["conclusion"] == fields["status"]


def answer_with(answer: object, expression: str | None) -> None:
    """Print the answer, through jq when the caller wants a part of it."""
    text = json.dumps(answer)
    if expression is None:
        print(text)
        return
    sys.stdout.flush()
    subprocess.run(["jq", "--raw-output", expression], input=text, text=True, check=True)


main()
