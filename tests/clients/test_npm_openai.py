"""OpenAI's client for node: `npm install openai` somewhere, and `NODE_PATH=…/node_modules pytest tests/clients -m matrix`."""

import json
import os
import shutil
import subprocess

import pytest

from .conftest import MODEL, Place

pytestmark = pytest.mark.matrix

SCRIPT = """
const OpenAI = require("openai");
const client = new OpenAI({maxRetries: 0});
const failure = async (call) => { try { await call(); return null; }
  catch (error) { return [error.constructor.name, error.status, error.code, error.type, error.error.message]; } };
(async () => {
  const model = process.argv[1];
  const messages = [{role: "user", content: "hello"}];
  const parameters = {type: "object", properties: {q: {type: "string", minLength: 2}}, required: ["q"]};
  const tools = [{type: "function", function: {name: "search", parameters}}];
  const chat = await client.chat.completions.create({model, messages, tools, tool_choice: "required"});
  let text = "";
  for await (const event of await client.responses.create({model, input: "hello", stream: true}))
    if (event.type === "response.output_text.delta") text += event.delta;
  const models = [];
  for await (const item of client.models.list()) models.push(item.id);
  console.log(JSON.stringify({
    call: chat.choices[0].message.tool_calls[0].function, text, models,
    size: (await client.embeddings.create({model: "cohere.embed-v4.0", input: "x"})).data[0].embedding.length,
    noModel: await failure(() => client.models.retrieve("xai.no-such-model")),
    noPath: await failure(() => client.files.list()),
    refused: await failure(() => client.chat.completions.create({model, messages, n: 0})),
  }));
})();
"""


def test_npm_openai(place: Place) -> None:
    node = shutil.which("node")
    if node is None or subprocess.run([node, "-e", "require('openai')"], capture_output=True).returncode:
        pytest.skip("node, or openai in NODE_PATH, is not there")
    done = subprocess.run([node, "-e", SCRIPT, MODEL], capture_output=True, text=True, timeout=60, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["call"] == {"name": "search", "arguments": '{"q": "aa"}'}
    assert "hello" in found["text"]
    assert MODEL in found["models"]
    assert found["size"] == 1536
    assert found["noModel"][:4] == ["NotFoundError", 404, "NotAuthorizedOrNotFound", "invalid_request_error"]
    assert found["noPath"][:2] == ["NotFoundError", 404]
    assert found["refused"][:2] == ["BadRequestError", 400]
    assert all(found[name][4] for name in ("noModel", "noPath", "refused"))
