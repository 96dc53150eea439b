import type { Why } from "../agent/supervision.ts";
import type { LifecycleState } from "../state/lifecycles.ts";
import type { ResourceKey } from "../state/resource.ts";
import {
  conversation,
  conversationMessage,
  deadLetter,
  grave,
  interruptRequest,
  moveRequest,
  redriveRequest,
  restoreRequest,
  scaleRequest,
  whyRequest,
} from "./agent-schemas.ts";
import { json, type Route, type RouteRequest } from "./route.ts";
import { apiObject, flag, listOf, opened, text, whole } from "./schemas.ts";

const AGENT = "/v1/agents/:namespace/:name";
const CONVERSATION = `${AGENT}/conversations/:conversation`;

/** What can be done with agents that run. */
export const agentRoutes: readonly Route[] = [
  {
    method: "POST",
    path: `${AGENT}/move`,
    permission: "agents.control",
    summary: "Pause, resume, stop or terminate an agent.",
    body: moveRequest,
    answers: { 200: { as: "json", schema: apiObject } },
    handle: (request, { plane }) => {
      const { to, ...why } = request.body as Why & { to: LifecycleState };
      return json(plane.move(agentOf(request), to, why));
    },
  },
  {
    method: "POST",
    path: "/v1/stop-all",
    permission: "agents.control",
    summary: "The kill switch: cancel every turn and stop every agent.",
    body: whyRequest,
    answers: { 200: { as: "json", schema: opened({ stopped: whole }) } },
    handle: ({ body }, { plane }) => json(plane.stopAll(body as Why)),
  },
  {
    method: "POST",
    path: `${AGENT}/scale`,
    permission: "objects.write",
    summary: "Set how many replicas an agent has.",
    body: scaleRequest,
    answers: { 200: { as: "json", schema: apiObject } },
    handle: (request, { plane }) => {
      const { replicas, manager } = request.body as { replicas: number; manager: string };
      return json(plane.scale(agentOf(request), replicas, manager));
    },
  },
  {
    method: "POST",
    path: `${AGENT}/interrupt`,
    permission: "agents.message",
    summary: "Cancel the turns that run, of one conversation or of all; the agent goes on.",
    body: interruptRequest,
    answers: { 200: { as: "json", schema: opened({ interrupted: whole }) } },
    handle: (request, { plane }) => {
      const { conversation: only } = request.body as { conversation?: string };
      return json(plane.interrupt(agentOf(request), only));
    },
  },
  {
    method: "GET",
    path: `${AGENT}/conversations`,
    permission: "agents.read",
    summary: "The conversations of an agent.",
    answers: { 200: { as: "json", schema: listOf(conversation) } },
    handle: (request, { plane }) => json(plane.conversations(agentOf(request))),
  },
  {
    method: "GET",
    path: `${CONVERSATION}/messages`,
    permission: "agents.read",
    summary: "The newest messages of a conversation, oldest first.",
    query: { limit: whole },
    answers: { 200: { as: "json", schema: listOf(conversationMessage) } },
    handle: (request, { plane }) => {
      const { limit } = request.query as { limit?: number };
      return json(plane.messages(agentOf(request), conversationOf(request), limit));
    },
  },
  {
    method: "DELETE",
    path: CONVERSATION,
    permission: "agents.control",
    summary: "End a conversation for good.",
    answers: { 200: { as: "json", schema: opened({ ended: flag }) } },
    handle: (request, { plane }) =>
      json(plane.endConversation(agentOf(request), conversationOf(request))),
  },
  {
    method: "GET",
    path: "/v1/dead-letters",
    permission: "agents.read",
    summary: "Messages that were given up, newest first.",
    query: { namespace: text, name: text },
    answers: { 200: { as: "json", schema: listOf(deadLetter) } },
    handle: ({ query }, { plane }) => {
      const { namespace = "default", name } = query as { namespace?: string; name?: string };
      return json(
        plane.deadLetters(name === undefined ? undefined : { kind: "Agent", namespace, name }),
      );
    },
  },
  {
    method: "POST",
    path: `${AGENT}/redrive`,
    permission: "agents.control",
    summary: "Put dead letters of an agent back into its inbox; all of them without ids.",
    body: redriveRequest,
    answers: { 200: { as: "json", schema: opened({ redriven: whole }) } },
    handle: (request, { plane }) => {
      const { ids } = request.body as { ids?: readonly string[] };
      return json(plane.redrive(agentOf(request), ids));
    },
  },
  {
    method: "GET",
    path: "/v1/graves",
    permission: "agents.read",
    summary: "Agents that were deleted or terminated, newest first.",
    answers: { 200: { as: "json", schema: listOf(grave) } },
    handle: (_, { plane }) => json(plane.graves()),
  },
  {
    method: "POST",
    path: "/v1/graves/restore",
    permission: "objects.write",
    summary: "Apply the manifest of a grave again, with its conversations.",
    body: restoreRequest,
    answers: { 200: { as: "json", schema: apiObject } },
    handle: ({ body }, { plane }) => {
      const { grave: which, manager } = body as { grave: string; manager: string };
      return json(plane.restore(which, manager));
    },
  },
];

function agentOf({ params: { namespace = "", name = "" } }: RouteRequest): ResourceKey {
  return { kind: "Agent", namespace, name };
}

function conversationOf({ params }: RouteRequest): string {
  return params.conversation ?? "";
}
