// Goal: agents in mode tools do real work: recorded conversations of an airline's customers run through the loop, the wire, the
// tools and the store, and every result, every request to the model and every answer is what the recording has.
// Method: the model is played from the recording by a loopback server; it checks each request against the recording before it answers.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { createSession, type Session } from "../agent/session.ts";
import { systemClock } from "../lib/clock.ts";
import { newId } from "../lib/ids.ts";
import { loadManifests } from "../manifest/load.ts";
import type { ManifestObject, ManifestSet } from "../manifest/objects.ts";
import { openDatabase } from "../state/database.ts";
import { openKeyValue } from "../state/key-value.ts";
import { repository } from "../testing/command.ts";
import type { ModelReply } from "../testing/model-reply.ts";
import { type RecordedRequest, startModelServer } from "../testing/model-server.ts";
import { createServices, type Services } from "../turns/services.ts";
import {
  loadAirline,
  type RecordedConversation,
  type RecordedMessage,
  readAirline,
  readConversations,
  recordingAbsent,
} from "./airline-data.ts";

/** Conversations that are played at the same time. */
const CONCURRENCY = 4;
/** What the model says where the recording ends with a result. */
const RECORDING_ENDS = "(The recording ends here.)";

const conversations = recordingAbsent ? [] : readConversations();
const byId = new Map(conversations.map((conversation) => [conversation.id, conversation]));

/** What did not go as recorded, a line each. */
const differences: string[] = [];
const counts = { conversations: 0, turns: 0, requests: 0, calls: 0, equal: 0 };

const resources = new AsyncDisposableStack();
let manifests: ManifestSet;
let services: Services;

before(async () => {
  if (recordingAbsent) return;
  const folder = await mkdtemp(path.join(tmpdir(), "legion-airline-"));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const server = resources.use(await startModelServer(recordedReply));
  const database = resources.adopt(await openDatabase(folder), (opened) => opened.close());
  const keyValue = await openKeyValue(database);
  await loadAirline(database, keyValue, readAirline());
  manifests = await airlineManifests(server.url);
  services = resources.use(
    createServices({
      ...{ env: {}, cwd: folder, stateFolder: folder, clock: systemClock },
      keyValue: async () => keyValue,
      objectsOf: () => manifests,
      secretFiles: () => [],
      publish: () => {},
    }),
  );
});

after(() => resources.disposeAsync());

/** The fixture, and two providers of the recording: one asks for streams. */
async function airlineManifests(baseUrl: string): Promise<ManifestSet> {
  const provider = (name: string, stream: boolean) =>
    JSON.stringify({
      apiVersion: "legion.dev/v1",
      kind: "Provider",
      metadata: { name },
      spec: { wire: "openai-chat", baseUrl, stream },
    });
  const text = [provider("streamed", true), provider("whole", false)].join("\n---\n");
  const inputs = [path.join(repository, "fixtures/airline"), { filename: "recorded.yaml", text }];
  const set = await loadManifests(inputs, { cwd: repository, env: {} });
  assert.deepEqual(set.diagnostics, []);
  return set;
}

/** The next reply of the recording that the model's name names, when the request is what the recording has up to there. */
function recordedReply({ body }: RecordedRequest): ModelReply {
  counts.requests += 1;
  const sent = sentMessages(body.messages);
  const { id, messages } = conversationOf(String(body.model));
  const [system, ...conversation] = sent;
  if (system?.role !== "system") differences.push(`${id}: the request begins without a prompt`);
  for (const [index, message] of conversation.entries()) {
    // The beginning was looked at with the requests before.
    if (index < conversation.length - 2) continue;
    const want = messages[index];
    if (want === undefined || !isSameMessage(message, want))
      differences.push(`${id}: message ${index} of a request is ${JSON.stringify(message)}`);
  }
  const next = messages[conversation.length];
  if (next === undefined) return { text: RECORDING_ENDS };
  if (next.role !== "assistant") return { error: { status: 400, message: "not recorded" } };
  const { content, toolCalls } = next;
  return { text: content, ...(toolCalls.length > 0 && { toolCalls }) };
}

/** Messages of a request in the form of the recording. */
function sentMessages(messages: unknown): RecordedMessage[] {
  assert.ok(Array.isArray(messages));
  return messages.map((message) => {
    const { role, content, tool_calls: calls = [], tool_call_id: toolCallId } = message;
    if (role === "tool") return { role, content, toolCallId, name: "" };
    if (role !== "assistant") return { role, content };
    const toolCalls = calls.map((call: { id: string; function: object }) => ({
      id: call.id,
      ...call.function,
    }));
    return { role, content: content ?? "", toolCalls };
  });
}

function isSameMessage(message: RecordedMessage, want: RecordedMessage): boolean {
  if (message.role !== "tool" || want.role !== "tool") return isDeepStrictEqual(message, want);
  return message.toolCallId === want.toolCallId && isSameResult(message.content, want.content);
}

/** Objects and lists compare as JSON values, everything else as text: "12.0" is not "12". */
function isSameResult(text: string, want: string): boolean {
  if (!/^[[{]/.test(want)) return text === want;
  try {
    return isDeepStrictEqual(JSON.parse(text), JSON.parse(want));
  } catch {
    return false;
  }
}

function conversationOf(id: string): RecordedConversation {
  const found = byId.get(id);
  assert.ok(found, `no conversation ${id}`);
  return found;
}

/** The agent of the fixture with the policy of the recording, the model that plays it, and a world of its own. */
function supportAgent(
  { id, policy }: RecordedConversation,
  provider: string,
): ManifestObject<"Agent"> {
  const agent = manifests.get("Agent", "support");
  assert.ok(agent);
  const tools = agent.spec.tools.map((use) =>
    use === "reservations" ? { name: "reservations", config: { world: id } } : use,
  );
  return {
    ...agent,
    spec: { ...agent.spec, instructions: policy, tools, model: `${provider}/${id}` },
  };
}

/** Plays a conversation: each message of the customer that the recording answers is a turn. */
async function play(conversation: RecordedConversation, provider: string): Promise<void> {
  const { id, messages } = conversation;
  const agent = supportAgent(conversation, provider);
  const session = createSession();
  try {
    for (const [index, message] of messages.entries()) {
      if (message.role !== "user" || messages[index + 1] === undefined) continue;
      const { signal } = new AbortController();
      const request = { agent, task: message.content, run: newId(), session, signal };
      const result = await services.runTurn(request);
      const want = answerAfter(messages, index);
      counts.turns += 1;
      if (result.status !== "ok" || result.value !== want) {
        const got = result.status === "ok" ? result.value : result.error;
        differences.push(`${id}: turn ${counts.turns} ended with ${JSON.stringify(got)}`);
        return;
      }
    }
    compare(conversation, session);
  } finally {
    await session.close();
  }
}

/** What the customer reads at the end of the turn that begins there. */
function answerAfter(messages: readonly RecordedMessage[], index: number): string {
  const answer = messages
    .slice(index + 1)
    .find((message) => message.role === "assistant" && message.toolCalls.length === 0);
  return answer?.content ?? RECORDING_ENDS;
}

/** Holds the whole conversation, results of calls too, against the recording. */
function compare({ id, messages }: RecordedConversation, session: Session): void {
  const ends = messages.at(-1);
  const want = ends?.role === "user" ? messages.slice(0, -1) : messages;
  const got = session.messages.slice(0, want.length);
  for (const [index, recorded] of want.entries()) {
    const { type, text = "", toolCalls = [], toolCallId = "" } = got[index] ?? {};
    if (recorded.role === "tool") {
      counts.calls += 1;
      const isEqual = type === "tool_result" && isSameResult(text, recorded.content);
      if (isEqual && toolCallId === recorded.toolCallId) counts.equal += 1;
      else differences.push(`${id}: ${recorded.name} gave ${text}, recorded ${recorded.content}`);
      continue;
    }
    const calls = recorded.role === "assistant" ? recorded.toolCalls : [];
    if (type !== recorded.role || text !== recorded.content || !isDeepStrictEqual(toolCalls, calls))
      differences.push(`${id}: message ${index} is ${type} ${text}`);
  }
  counts.conversations += 1;
}

test("airline: 100 recorded conversations run as recorded", {
  skip: recordingAbsent,
}, async (t) => {
  assert.equal(conversations.length, 100);
  const queue = [...conversations.entries()];
  const work = async () => {
    for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
      const [index, conversation] = entry;
      await play(conversation, index % 2 === 0 ? "streamed" : "whole");
    }
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  report(t, performance.now() - startedMs);
  assert.deepEqual(differences.slice(0, 5), [], `${differences.length} differences`);
  assert.deepEqual(counts, { ...counts, conversations: 100, turns: 780, calls: 621, equal: 621 });
});

/** The line that shows that the conversations were played. */
function report(t: TestContext, tookMs: number): void {
  const { conversations: played, turns, requests, calls, equal } = counts;
  t.diagnostic(
    `airline: ${played} conversations, ${turns} turns, ${requests} requests, ${calls} calls, ${equal} results equal, ${differences.length} differences, ${Math.round(tookMs)} ms`,
  );
}
