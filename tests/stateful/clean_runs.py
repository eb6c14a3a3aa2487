"""Runs that are foreseen whole: what is planned, refused, applied, and that nothing is left to do afterwards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from crash.fixtures import APPLY
from crash.launching import Ended
from plan_apply.manifests import compartment, key, policy, stack

from .harness import Harness, shows_outdated_value
from .manifest_edits import EDITS
from .manifest_set import OWNER
from .tenancy_snapshot import look


class CleanRuns(Harness):
    """Applies that nothing disturbs."""

    def apply(self, *flags: str) -> None:
        """Plan, apply, and hold both to the forecast; when it went well, nothing is left to do."""
        forecast = self.predict()
        document = self.plan(forecast, flags)
        if document is None:
            self.refused(self.sandbox.run(*APPLY, *flags), 1, forecast.errors)
            return
        if forecast.unusable:
            self.refused(self.sandbox.run(*APPLY, *flags), 1, forecast.unusable)
        elif forecast.refusals and not flags:
            self.refused(self.sandbox.run(*APPLY, *flags), 3, forecast.refusals)
        else:
            self.carried_out(self.ran(*APPLY, "--json", *flags), document, forecast)

    def apply_accepting(self) -> bool:
        """What a guard has refused is asked for all the same."""
        forecast = self.predict()
        if not forecast.refusals or forecast.errors or forecast.unusable or "forbidden" in str(forecast.refusals):
            return False
        self.refused(self.ran(*APPLY), 3, forecast.refusals)
        keys = {one.address for one in self.snapshot.of("ApiKey") if one.address}
        self.promises.accepted = True
        self.apply("--allow-destroy", "99", *(word for key in sorted(keys) for word in ("--accept-outage", key)))
        self.promises.accepted = False
        return True

    def apply_saved(self) -> bool:
        """A saved plan, at once."""
        forecast = self.predict()
        if forecast.errors:
            return False
        document = self.plan(forecast, ("--out", "saved.plan"))
        if document is None:
            return False
        run = ("apply", "saved.plan", "--json")
        if forecast.unusable or forecast.refusals:
            wanted = 1 if forecast.unusable else 3
            self.refused(self.sandbox.run(*run), wanted, forecast.unusable or forecast.refusals)
        else:
            self.carried_out(self.ran(*run), document, forecast)
        (self.project / "saved.plan").unlink()
        return True

    def apply_stale(self) -> bool:
        """A saved plan, after the manifests or the tenancy have changed."""
        if self.predict().errors:
            return False
        if self.plan(self.predict(), ("--out", "saved.plan")) is None:
            return False
        text, before = self.manifests.text, self.snapshot
        actions = ("describe_by_hand", "tag_by_hand", "delete_by_hand", "renew_by_hand", "make_foreign")
        rule = self.random.choice([*EDITS, *actions])
        changed = self.by_hand(rule) if rule in actions else self.edit(rule)
        self.snapshot = look(self.tenancy)
        same = {id: one.unused for id, one in before.things.items()} == {
            id: one.unused for id, one in self.snapshot.things.items()
        }
        if changed and not (same and text == self.manifests.text):
            self.refused(self.ran("apply", "saved.plan"), 1, ["stale"])
        (self.project / "saved.plan").unlink()
        return changed

    def apply_twice_at_once(self) -> bool:
        """Two on one machine: the second waits for the first."""
        forecast = self.predict()
        if forecast.errors or forecast.unusable or forecast.refusals or forecast.stuck or forecast.crossing:
            return False
        document = self.plan(forecast, ())
        assert document is not None
        ends = self._together(APPLY)
        code = 4 if shows_outdated_value(document) else 0
        assert [one.code for one in ends] == [code, code], "\n".join(one.out + one.err for one in ends)
        self.made(document)
        self.end(ends[0], forecast)
        return True

    def apply_second_stack(self) -> None:
        """Another team's stack of the same name, with an id: whatever it does, nothing of ours is touched."""
        folder = self.sandbox.home / "second"
        folder.mkdir(exist_ok=True)
        rules = policy(
            "p0",
            compartment="c0",
            name="second",
            statements=["allow any-user to inspect policies in compartment second"],
        )
        bodies = (
            [rules],
            [key("k0", compartment="c0")],
            [rules, key("k0", compartment="c0"), key("k1", compartment="tenancy")],
        )
        home = compartment("c0", name="second")
        text = stack(home, *self.random.choice(bodies), name=OWNER, id="the-other-team")
        (folder / "stack.yaml").write_text(text)
        ran = self._launchers[0].run(APPLY, folder, self.sandbox.environ)
        after = look(self.tenancy)
        for id, thing in self.snapshot.things.items():
            if thing.fits(self.snapshot.tenancy):
                assert id in after.things and after.things[id].unused == thing.unused, f"{thing} was touched\n{ran.out}"
        self.promises.follow_console(after)

    def _together(self, arguments: tuple[str, ...]) -> list[Ended]:
        self.tenancy.forget_calls()
        with ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(one.run, arguments, self.project, self.sandbox.environ) for one in self._launchers]
            return [run.result() for run in runs]
