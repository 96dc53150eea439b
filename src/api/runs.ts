import type { AgentsPlane } from "../reconcile/agents-contract.ts";
import type { RunQuery } from "../state/journal.ts";
import {
  decision,
  question,
  replayReport,
  rollbackReport,
  run,
  runDetail,
} from "./agent-schemas.ts";
import { json, type Route, type RouteRequest } from "./route.ts";
import { closed, flag, listOf, opened, resultLineOf, text, whole } from "./schemas.ts";

/** What agents have done, and what they ask people. */
export const runRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/runs",
    permission: "agents.read",
    summary: "Runs on record, newest first.",
    query: {
      ...{ uid: text, agent: text, parent: text, limit: { ...whole, maximum: 1_000 } },
      status: { enum: ["running", "ok", "cancel", "quarantined", "rolled-back"] },
    },
    answers: { 200: { as: "json", schema: listOf(run) } },
    handle: ({ query }, { plane }) => json(plane.runs(query as RunQuery)),
  },
  {
    method: "GET",
    path: "/v1/runs/:run",
    permission: "agents.read",
    summary: "A run with its steps and the runs that it started.",
    answers: { 200: { as: "json", schema: runDetail } },
    handle: (request, { plane }) => json(plane.runDetail(runOf(request))),
  },
  {
    method: "POST",
    path: "/v1/runs/:run/cancel",
    permission: "agents.control",
    summary: "Cancel a run, and those that it started.",
    body: closed({}),
    answers: { 200: { as: "json", schema: opened({ cancelled: flag }) } },
    handle: (request, { plane }) => json(plane.cancelRun(runOf(request))),
  },
  {
    method: "POST",
    path: "/v1/runs/:run/resume",
    permission: "agents.control",
    summary: "Let the agent have the task of a run that ended without an answer again.",
    body: closed({}),
    answers: { 200: { as: "json", schema: opened({ run: text, message: text }) } },
    handle: (request, { plane }) => json(plane.resumeRun(runOf(request))),
  },
  {
    method: "POST",
    path: "/v1/runs/:run/rollback",
    permission: "agents.control",
    summary: "Undo what the tools of a run did, newest call first.",
    body: closed({}),
    answers: { 200: { as: "lines", schema: resultLineOf(rollbackReport) } },
    handle: (request, { plane }) => ({ type: "result", result: plane.rollbackRun(runOf(request)) }),
  },
  {
    method: "POST",
    path: "/v1/runs/:run/replay",
    permission: "agents.read",
    summary: "Do a run again from its record, without models and tools, and tell where it differs.",
    body: closed({}),
    answers: { 200: { as: "lines", schema: resultLineOf(replayReport) } },
    handle: (request, { plane }) => ({ type: "result", result: plane.replayRun(runOf(request)) }),
  },
  {
    method: "GET",
    path: "/v1/questions",
    permission: "agents.read",
    summary:
      "Questions and approvals for people, newest first; those that are pending unless told.",
    query: {
      state: {
        enum: ["pending", "answered", "approved", "denied", "expired", "withdrawn", "all"],
      },
      agent: text,
    },
    answers: { 200: { as: "json", schema: listOf(question) } },
    handle: ({ query }, { plane }) =>
      json(plane.questions(query as Parameters<AgentsPlane["questions"]>[0])),
  },
  {
    method: "POST",
    path: "/v1/questions/:question/decision",
    permission: "questions.decide",
    summary: "Answer a question, or approve or deny a call.",
    body: decision,
    answers: { 200: { as: "json", schema: question } },
    handle: ({ params, body }, { plane }) =>
      json(plane.decide(params.question ?? "", body as Parameters<AgentsPlane["decide"]>[1])),
  },
];

function runOf({ params }: RouteRequest): string {
  return params.run ?? "";
}
