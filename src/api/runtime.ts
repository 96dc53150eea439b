import type { EventQuery } from "../reconcile/contract.ts";
import { json, type Route } from "./route.ts";
import {
  closed,
  daemonEvent,
  daemonStatus,
  flag,
  lineOf,
  listOf,
  message,
  messageOutcome,
  opened,
  resultLineOf,
  sourceStatus,
  text,
  told,
  whole,
} from "./schemas.ts";
import type { VersionAnswer } from "./wire.ts";

/** What only a running daemon can do. */
export const runtimeRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/healthz",
    permission: "public",
    summary: "Whether the daemon answers.",
    answers: { 200: { as: "json", schema: opened({ status: { const: "ok" } }) } },
    handle: () => json({ status: "ok" }),
  },
  {
    method: "GET",
    path: "/v1/version",
    permission: "daemon.read",
    summary: "Who answers.",
    answers: {
      200: {
        as: "json",
        schema: opened({ version: text, api: { const: "v1" }, pid: whole }),
      },
    },
    handle: (_, { version }) =>
      json({ version, api: "v1", pid: process.pid } satisfies VersionAnswer),
  },
  {
    method: "GET",
    path: "/v1/status",
    permission: "daemon.read",
    summary: "How the daemon, its sources and its objects stand.",
    answers: { 200: { as: "json", schema: daemonStatus } },
    handle: (_, { plane }) => json(plane.status()),
  },
  {
    method: "POST",
    path: "/v1/reconcile",
    permission: "daemon.control",
    summary: "Read all sources anew, and with `wait` until all of it is Ready or Stalled.",
    body: closed({}, { wait: flag, timeoutMs: { ...whole, maximum: 86_400_000 } }),
    answers: { 200: { as: "lines", schema: resultLineOf(listOf(sourceStatus)) } },
    handle: ({ body }, { plane }) => ({
      type: "result",
      result: plane.reconcile(body as { wait?: boolean; timeoutMs?: number }),
    }),
  },
  {
    method: "POST",
    path: "/v1/shutdown",
    permission: "daemon.control",
    summary: "Drain and end; answers when that was accepted.",
    body: closed({}),
    answers: { 202: { as: "json", schema: opened({}) } },
    handle: async (_, { plane }) => {
      await plane.shutdown();
      return json({}, 202);
    },
  },
  {
    method: "POST",
    path: "/v1/agents/:namespace/:name/messages",
    permission: "agents.message",
    summary:
      "Put a message into the inbox of an agent; with `wait`, answer when its turn has ended.",
    body: message,
    answers: {
      200: { as: "lines", schema: resultLineOf(messageOutcome) },
      202: { as: "json", schema: told },
    },
    handle: ({ params, body, signal }, { plane }) => {
      const { wait = false, ...rest } = body as { wait?: boolean; task: string; from?: string };
      const { namespace = "", name = "" } = params;
      const sent = { namespace, name, ...rest };
      return wait
        ? { type: "result", result: plane.ask(sent, signal) }
        : json(plane.tell(sent), 202);
    },
  },
  {
    method: "GET",
    path: "/v1/events",
    permission: "daemon.read",
    summary: "What has happened and, with `follow`, what happens, as lines.",
    query: {
      follow: flag,
      since: text,
      object: text,
      about: { enum: ["object", "run"] },
      limit: whole,
    },
    answers: { 200: { as: "lines", schema: lineOf(daemonEvent) } },
    handle: ({ query, signal }, { plane }) => ({
      type: "lines",
      lines: plane.events(query as EventQuery, signal),
    }),
  },
];
