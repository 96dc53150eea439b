import type { Plan } from "../manifest/plan-contract.ts";
import type { ApplyRequest } from "../reconcile/contract.ts";
import { json, type Route, type RouteRequest } from "./route.ts";
import {
  applyBeginning,
  applyPart,
  applyReport,
  applyRequest,
  closed,
  planBeginning,
  planPart,
  planRequest,
  upload,
} from "./schemas.ts";
import type { Parts } from "./staging.ts";
import { applyOfUpload, planOfUpload } from "./upload.ts";

const report = { 200: { as: "json", schema: applyReport } } as const;
const begun = { 201: { as: "json", schema: upload } } as const;

const whole: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/apply",
    permission: "objects.write",
    summary: "Apply a set of objects, all or nothing.",
    body: applyRequest,
    answers: report,
    handle: ({ body }, { plane }) => json(plane.apply(body as ApplyRequest)),
  },
  {
    method: "POST",
    path: "/v1/plans/apply",
    permission: "objects.write",
    summary: "Apply a saved plan as it is; refused when the store has moved.",
    body: planRequest,
    answers: report,
    handle: ({ body }, { plane }) => {
      const { plan, manager } = body as { plan: Plan; manager: string };
      return json(plane.applyPlan(plan, manager));
    },
  },
];

/** Begin, parts, commit, discard of sets that are too large for one body. */
const staged: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/applies",
    permission: "objects.write",
    summary: "Begin to upload a large set of objects in parts.",
    body: applyBeginning,
    answers: begun,
    handle: ({ body, bodyBytes }, { staging }) =>
      json({ id: staging.begin("apply", body as object, bodyBytes) }, 201),
  },
  part("/v1/applies/:id/parts", "apply", applyPart),
  {
    method: "POST",
    path: "/v1/applies/:id/commit",
    permission: "objects.write",
    summary: "Apply the set that was uploaded, all or nothing.",
    body: closed({}),
    answers: report,
    handle: ({ params }, { staging, plane }) => {
      const { frame, lists } = staging.take("apply", params.id ?? "");
      return json(plane.apply(applyOfUpload(frame, lists)));
    },
  },
  discard("/v1/applies/:id"),
  {
    method: "POST",
    path: "/v1/plans",
    permission: "objects.write",
    summary: "Begin to upload a large saved plan in parts.",
    body: planBeginning,
    answers: begun,
    handle: ({ body, bodyBytes }, { staging }) =>
      json({ id: staging.begin("plan", body as object, bodyBytes) }, 201),
  },
  part("/v1/plans/:id/parts", "plan", planPart),
  {
    method: "POST",
    path: "/v1/plans/:id/commit",
    permission: "objects.write",
    summary: "Apply the plan that was uploaded.",
    body: closed({}),
    answers: report,
    handle: ({ params }, { staging, plane }) => {
      const { frame, lists } = staging.take("plan", params.id ?? "");
      const { plan, manager } = planOfUpload(frame, lists);
      return json(plane.applyPlan(plan, manager));
    },
  },
  discard("/v1/plans/:id"),
];

/** Applying sets and saved plans. */
export const applyRoutes: readonly Route[] = [...whole, ...staged];

function part(path: string, type: "apply" | "plan", body: Route["body"] & object): Route {
  return {
    method: "POST",
    path,
    permission: "objects.write",
    summary: "Add a part to what is being uploaded.",
    body,
    answers: { 200: { as: "json", schema: upload } },
    handle: (request, { staging }) => {
      const id = request.params.id ?? "";
      staging.add(type, id, request.body as Parts, request.bodyBytes);
      return json({ id });
    },
  };
}

function discard(path: string): Route {
  return {
    method: "DELETE",
    path,
    permission: "objects.write",
    summary: "Forget what was uploaded.",
    answers: { 200: { as: "json", schema: upload } },
    handle: ({ params }: RouteRequest, { staging }) => {
      staging.discard(params.id ?? "");
      return json({ id: params.id });
    },
  };
}
