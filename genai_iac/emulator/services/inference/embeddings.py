"""Embeddings: OpenAI's endpoint, and OCI's own actions that embed and rank texts.

No model makes the vectors and scores: they are the same for a text each time, and near for texts with the same words.
"""

import base64
import hashlib
import math
import re
import struct
from functools import lru_cache
from typing import Any

from genai_iac.emulator.http.requests import as_object, items, read_flag, text
from genai_iac.emulator.http.responses import Answer, invalid
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.generative_ai.base_models import find_model
from genai_iac.emulator.services.inference.callers import identify
from genai_iac.emulator.services.inference.fake_completion import count_tokens
from genai_iac.emulator.services.inference.models import PREFIXES, admit_native, check_model
from genai_iac.emulator.services.inference.prompt import read_count, refuse_unknown
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import make_etag
from genai_iac.vocabulary import EMBEDDINGS, RERANK

_WORD = re.compile(r"\w+")


def embed(text: str, dimensions: int) -> list[float]:
    """A vector of length 1: the sum of one vector for each word, so that texts that share words are near."""
    words = _WORD.findall(text.casefold()) or [text]
    sums = [sum(values) for values in zip(*(_word_vector(word, dimensions) for word in words), strict=True)]
    length = math.sqrt(sum(value * value for value in sums)) or 1.0
    return [value / length for value in sums]


def relevance(query: str, document: str) -> float:
    """From 0 to 1: the share of the query's words that the document has."""
    asked = set(_WORD.findall(query.casefold()))
    return len(asked & set(_WORD.findall(document.casefold()))) / len(asked) if asked else 0.0


@lru_cache(maxsize=512)
def _word_vector(word: str, dimensions: int) -> tuple[float, ...]:
    raw = hashlib.shake_256(word.encode("utf-8")).digest(dimensions)
    return tuple((byte - 127.5) / 127.5 for byte in raw)


MAX_INPUTS = 2_048  # of one call, as OpenAI documents it
MAX_NATIVE_INPUTS = 96  # of EmbedText
MAX_DOCUMENTS = 1_000  # of RerankText
_DIMENSIONS = 1_024  # of a model that the catalog does not know
_LONG = 10_000_000


def _create_embeddings(call: OperationContext) -> Answer:
    caller = identify(call)
    model = text(call.body, "model")
    check_model(call, model, EMBEDDINGS)
    refuse_unknown(call.body, ("model", "input", "encoding_format", "dimensions", "user", "input_type", "truncate"), {})
    texts = _read_inputs(call.body.get("input"))
    form = call.body.get("encoding_format") or "float"
    if form not in ("float", "base64"):
        raise invalid("encoding_format must be float or base64.")
    size = read_count(call.body, "dimensions", most=_dimensions(call, model)) or _dimensions(call, model)
    caller.use(model)
    data = [
        {"object": "embedding", "index": index, "embedding": _encode(embed(item, size), form)}
        for index, item in enumerate(texts)
    ]
    tokens = sum(count_tokens(item) for item in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return Answer({"object": "list", "data": data, "model": model, "usage": usage}, principal=caller.principal)


@operation("generative-ai-inference", "EmbedText", "POST /20231130/actions/embedText")
def embed_text(call: OperationContext) -> Answer:
    """EmbedText: floats only; `truncate` and `inputType` change nothing."""
    model = admit_native(call, EMBEDDINGS)
    texts = _read_texts(call.body, "inputs", MAX_NATIVE_INPUTS)
    if call.body.get("embedContents") or call.body.get("embeddingTypes") not in (None, [], ["float"]):
        raise invalid("The emulator embeds inputs as floats only.")
    size = read_count(call.body, "outputDimensions", most=_dimensions(call, model)) or _dimensions(call, model)
    tokens = sum(count_tokens(item) for item in texts)
    result: dict[str, Any] = {
        "id": make_etag()[:32],
        "embeddings": [embed(item, size) for item in texts],
        "modelId": model,
        "modelVersion": "1.0",
        "usage": {"promptTokens": tokens, "completionTokens": 0, "totalTokens": tokens},
    }
    return Answer({**result, "inputs": texts} if read_flag(call.body, "isEcho") else result)


@operation("generative-ai-inference", "RerankText", "POST /20231130/actions/rerankText")
def rerank_text(call: OperationContext) -> Answer:
    """RerankText: the more of the input's words a document has, the better."""
    model = admit_native(call, RERANK)
    query = text(call.body, "input", most=_LONG)
    documents = _read_texts(call.body, "documents", MAX_DOCUMENTS)
    echo = read_flag(call.body, "isEcho")
    ranks = [
        {"index": index, "relevanceScore": relevance(query, item), **({"document": {"text": item}} if echo else {})}
        for index, item in enumerate(documents)
    ]
    ranks.sort(key=lambda rank: -float(str(rank["relevanceScore"])))
    kept = ranks[: read_count(call.body, "topN") or len(ranks)]
    return Answer({"id": make_etag()[:32], "modelId": model, "modelVersion": "1.0", "documentRanks": kept})


OPERATIONS = (
    *(
        operation("generative-ai-inference", "Embeddings", f"POST {prefix}/embeddings", auth="either")(
            _create_embeddings
        )
        for prefix in PREFIXES
    ),
    embed_text,
    rerank_text,
)


def _dimensions(call: OperationContext, name: str) -> int:
    model = find_model(name, call.region)
    return model.dimensions if model is not None else _DIMENSIONS


def _read_inputs(given: Any) -> list[str]:
    """A text, a list of texts, or the tokens of one text or of several, as some clients send them."""
    if isinstance(given, str) or (isinstance(given, list) and given and all(isinstance(item, int) for item in given)):
        given = [given]
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_INPUTS:
        raise invalid(f"input must be a text or a list of 1 to {MAX_INPUTS} texts.")
    texts = [" ".join(map(str, item)) if isinstance(item, list) else item for item in given]
    if not all(isinstance(item, str) and item for item in texts):
        raise invalid("input must hold texts, none of them empty.")
    return texts


def _read_texts(body: dict[str, Any], name: str, most: int) -> list[str]:
    found = [
        item if isinstance(item, str) else text(as_object(item, name), "text", most=_LONG) for item in items(body, name)
    ]
    if not 1 <= len(found) <= most:
        raise invalid(f"{name} must have 1 to {most} texts.")
    return found


def _encode(vector: list[float], form: str) -> list[float] | str:
    return vector if form == "float" else base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
