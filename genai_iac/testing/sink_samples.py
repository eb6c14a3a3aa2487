"""Deliveries to try sinks with. The values are canaries: each is searched for wherever it must not be."""

from __future__ import annotations

from datetime import UTC, datetime

from genai_iac.core import Address, Delivery, Item, Record, Role, Secret

ADDRESS = Address("ApiKey", "chat-app")
OWNER = "chat@dev"
KEY_ID = "ocid1.generativeaiapikey.oc1.us-chicago-1.amaaaaaa"
BASE_URL = "https://inference.generativeai.us-chicago-1.oci.oraclecloud.com/20231130/actions/v1"
EXPIRES = datetime(2027, 6, 30, 12, 30, 15, 250_000, tzinfo=UTC)

VALUES = {
    "a": "sk-CANARYa7Qm2Vx9Kp4Lr8Tz1Wb6Nc3Yd5Hf0Js7Gk2Mv9Xq4",
    "b": "sk-CANARYbE5Ru1Ty8Ui3Op6As9Df2Gh7Jk4Lz0Xc5Vb8Nm1Qw3",
    "c": "sk-CANARYcPo9Iu6Yt2Re7Wq4La1Ks8Jd5Hf3Gz0Mx6Nc9Bv2Vt",
}


def mask(letter: str) -> str:
    """The mask of a canary, as the service would show it."""
    return f"{VALUES[letter][:5]}****{VALUES[letter][-4:]}"


def item(secret: str, letter: str, role: Role, *, kept: bool = False) -> Item:
    """One secret with the value of that letter; kept: without it."""
    return Item(Record(secret, mask(letter), role, EXPIRES), None if kept else Secret(VALUES[letter]))


def delivery(*items: Item) -> Delivery:
    """A delivery of those items for the key of these tests."""
    return Delivery(ADDRESS, KEY_ID, BASE_URL, items)


def both() -> Delivery:
    """A delivery of a current value and a standby. Made anew each time: a run makes its values itself, so the redactor knows them."""
    return delivery(item("key-one", "a", "current"), item("key-two", "b", "standby"))
