"""Object Storage: conditional writes that make a lock, with the codes observed in the real service."""

from concurrent.futures import ThreadPoolExecutor

import oci
import pytest

from .clients import Clients, holds, refusal


@pytest.fixture(scope="module")
def bucket(shared: Clients) -> tuple[str, str]:
    """A namespace and a bucket in it."""
    storage = shared.storage()
    namespace = storage.get_namespace().data
    made = storage.create_bucket(namespace, {"compartmentId": shared.root, "name": "state"}).data
    assert (made.name, made.namespace, made.compartment_id) == ("state", namespace, shared.root)
    return namespace, "state"


@holds("9.1")
def test_objects_are_put_read_listed_and_deleted(shared: Clients, bucket: tuple[str, str]) -> None:
    storage = shared.storage()
    put = storage.put_object(*bucket, "a/b c.txt", b"\x00binary\xff", content_type="text/plain", opc_meta={"k": "v"})
    got = storage.get_object(*bucket, "a/b c.txt")
    assert got.data.content == b"\x00binary\xff"
    assert got.headers["etag"] == put.headers["etag"]
    assert got.headers["content-type"] == "text/plain"
    assert got.headers["opc-meta-k"] == "v"
    head = storage.head_object(*bucket, "a/b c.txt")
    assert head.headers["content-length"] == "8"
    storage.put_object(*bucket, "a/d", b"")
    storage.put_object(*bucket, "e", "text")
    listed = storage.list_objects(*bucket, prefix="a/", fields="name,size,etag").data
    assert [(item.name, item.size) for item in listed.objects] == [("a/b c.txt", 8), ("a/d", 0)]
    folded = storage.list_objects(*bucket, delimiter="/").data
    assert (folded.prefixes, [item.name for item in folded.objects]) == (["a/"], ["e"])
    page = storage.list_objects(*bucket, limit=1).data
    assert (page.objects[0].name, page.next_start_with) == ("a/b c.txt", "a/d")
    for name in ("a/b c.txt", "a/d", "e"):
        assert storage.delete_object(*bucket, name).status == 204
    assert storage.list_objects(*bucket).data.objects == []
    assert refusal(storage.get_object, *bucket, "e")[:2] == (404, "ObjectNotFound")
    assert refusal(storage.delete_object, *bucket, "e")[:2] == (404, "ObjectNotFound")


@holds("9.10")
def test_conditional_writes(shared: Clients, bucket: tuple[str, str]) -> None:
    storage = shared.storage()
    first = storage.put_object(*bucket, "lock", b"1", if_none_match="*").headers["etag"]
    assert refusal(storage.put_object, *bucket, "lock", b"2", if_none_match="*")[:2] == (412, "IfNoneMatchFailed")
    second = storage.put_object(*bucket, "lock", b"2", if_match=first).headers["etag"]
    assert refusal(storage.put_object, *bucket, "lock", b"3", if_match=first)[:2] == (412, "IfMatchFailed")
    assert refusal(storage.delete_object, *bucket, "lock", if_match=first)[:2] == (412, "IfMatchFailed")
    assert refusal(storage.put_object, *bucket, "absent", b"3", if_match=first)[:2] == (412, "IfMatchFailed")
    assert storage.get_object(*bucket, "lock").data.content == b"2"
    assert storage.delete_object(*bucket, "lock", if_match=second).status == 204


def test_of_many_racing_creates_one_wins(shared: Clients, bucket: tuple[str, str]) -> None:
    storage = shared.storage()

    def take(number: int) -> bool:
        try:
            storage.put_object(*bucket, "race", str(number).encode(), if_none_match="*")
        except oci.exceptions.ServiceError as error:
            assert error.code == "IfNoneMatchFailed"
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(16))) == 1


def test_checksums_and_missing_places(shared: Clients, bucket: tuple[str, str]) -> None:
    storage = shared.storage()
    wrong = "AAAAAAAAAAAAAAAAAAAAAA=="
    assert refusal(storage.put_object, *bucket, "sum", b"x", content_md5=wrong)[:2] == (400, "UnmatchedContentMD5")
    assert refusal(storage.get_bucket, bucket[0], "none")[:2] == (404, "BucketNotFound")
    assert refusal(storage.get_bucket, "none", "state")[:2] == (404, "NamespaceNotFound")
    again = {"compartmentId": shared.root, "name": "state"}
    assert refusal(storage.create_bucket, bucket[0], again)[:2] == (409, "BucketAlreadyExists")


def test_buckets_are_listed_and_deleted_when_empty(shared: Clients, bucket: tuple[str, str]) -> None:
    storage = shared.storage()
    storage.create_bucket(bucket[0], {"compartmentId": shared.root, "name": "short-lived"})
    assert storage.head_bucket(bucket[0], "short-lived").status == 200
    assert "short-lived" in {item.name for item in storage.list_buckets(bucket[0], shared.root).data}
    storage.put_object(bucket[0], "short-lived", "o", b"x")
    assert refusal(storage.delete_bucket, bucket[0], "short-lived")[:2] == (409, "BucketNotEmpty")
    storage.delete_object(bucket[0], "short-lived", "o")
    assert storage.delete_bucket(bucket[0], "short-lived").status == 204
