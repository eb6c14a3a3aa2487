"""The emulator's web page at `/`: resources, calls, and the clock. In: stored state. Out: HTML. Must not know: how calls are handled."""
