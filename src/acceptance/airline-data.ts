import { existsSync, readFileSync } from "node:fs";
import type { JsonObject } from "../lib/json.ts";
import type { ToolCall } from "../router/contract.ts";
import type { Database } from "../state/database.ts";
import type { KeyValue } from "../state/key-value.ts";

/** What the airline begins with. */
export interface AirlineData {
  readonly users: Readonly<Record<string, JsonObject>>;
  readonly reservations: Readonly<Record<string, JsonObject>>;
  readonly flights: Readonly<Record<string, JsonObject>>;
}

/** A message of a recorded conversation. */
export type RecordedMessage =
  | { readonly role: "system" | "user"; readonly content: string }
  | {
      readonly role: "assistant";
      readonly content: string;
      readonly toolCalls: readonly ToolCall[];
    }
  | {
      readonly role: "tool";
      readonly content: string;
      readonly toolCallId: string;
      readonly name: string;
    };

/** A conversation of a customer with a model that had the 14 functions. */
export interface RecordedConversation {
  /** Known once among all. */
  readonly id: string;
  /** The system message. */
  readonly policy: string;
  /** Everything after it. */
  readonly messages: readonly RecordedMessage[];
}

const folder = new URL("../../../shared/data/airline/", import.meta.url);

/** Why the recording cannot be used; false when it is there. */
export const recordingAbsent: string | false = existsSync(new URL("conversations.jsonl", folder))
  ? false
  : "the recorded conversations (shared/data/airline) are not beside this checkout";

/** The data of the recording, in the order of its files. */
export function readAirline(): AirlineData {
  const read = (name: string) => JSON.parse(readFileSync(new URL(name, folder), "utf8"));
  return {
    users: read("users.json"),
    reservations: read("reservations.json"),
    flights: read("flights.json"),
  };
}

interface RecordedLine {
  readonly task_id: number;
  readonly trial: number;
  readonly traj: readonly {
    readonly role: "system" | "user" | "assistant" | "tool";
    readonly content: string | null;
    readonly tool_call_id?: string;
    readonly name?: string;
    readonly tool_calls?: readonly {
      readonly id: string;
      readonly function: { readonly name: string; readonly arguments: string };
    }[];
  }[];
}

/** The recorded conversations, in the order of their file. */
export function readConversations(): readonly RecordedConversation[] {
  return readFileSync(new URL("conversations.jsonl", folder), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => conversationOf(JSON.parse(line)));
}

function conversationOf({ task_id: task, trial, traj }: RecordedLine): RecordedConversation {
  const [first, ...rest] = traj.map(messageOf);
  if (first?.role !== "system") throw new Error(`task ${task} does not begin with the policy`);
  return { id: `task-${task}-trial-${trial}`, policy: first.content, messages: rest };
}

function messageOf(message: RecordedLine["traj"][number]): RecordedMessage {
  const { role } = message;
  const content = message.content ?? "";
  if (role === "tool")
    return { role, content, toolCallId: message.tool_call_id ?? "", name: message.name ?? "" };
  if (role !== "assistant") return { role, content };
  const toolCalls = (message.tool_calls ?? []).map(({ id, function: called }) => ({
    id,
    ...called,
  }));
  return { role, content, toolCalls };
}

/** The key-value namespace of the fixture's tools, of agents of the default namespace. */
const SPACE = "shared/default/airline";

/** Puts the data where the tools of fixtures/airline look for it. Each world above it begins with a fresh copy. Nobody else may use the database meanwhile. */
export async function loadAirline(
  database: Database,
  keyValue: KeyValue,
  { users, reservations, flights }: AirlineData,
): Promise<void> {
  const space = keyValue.space(SPACE);
  const routes = Object.values(flights).map(({ dates: _dates, ...flight }) => flight);
  const kinds = { user: users, reservation: reservations, flight: flights };
  // One transaction: each value by itself would wait for the disk.
  database.query("BEGIN IMMEDIATE");
  await space.set("base/routes", routes);
  for (const [kind, values] of Object.entries(kinds)) {
    for (const [id, value] of Object.entries(values)) await space.set(`base/${kind}/${id}`, value);
  }
  database.query("COMMIT");
}
