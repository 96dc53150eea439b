// Goal: where an object comes from is shown as people know the place, not as it is kept.
// Method: a table of origins through the text.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiObject } from "../reconcile/contract.ts";
import { originText } from "./columns.ts";

const checkout = "/srv/.legion/sources/01M7ABC/current";
const origins: readonly (readonly [source: string, file: string, index: number, text: string])[] = [
  ["roots", "/srv/agents.d/a.yaml", 0, "agents.d/a.yaml"],
  ["roots", "/srv/agents.d/a.yaml", 2, "agents.d/a.yaml#3"],
  ["roots", "/elsewhere/a.yaml", 0, "/elsewhere/a.yaml"],
  ["source/team", `${checkout}/x/a.yaml`, 1, "source/team: x/a.yaml#2"],
  ["source/shared/team", `${checkout}/a.md`, 0, "source/shared/team: a.md"],
  ["apply:/srv/x", "/srv/https:/host/a.yaml", 0, "https://host/a.yaml"],
  ["apply:/srv/x", "/other/http:/127.0.0.1:80/x/a.yaml", 0, "http://127.0.0.1:80/x/a.yaml"],
  ["edit", "", 0, "edit"],
];

for (const [source, file, document, text] of origins) {
  test(`${file === "" ? source : file} is shown as ${text}`, () => {
    const metadata = { origin: { source, file, document } };
    const object = { metadata } as unknown as ApiObject;
    assert.equal(originText(object, { cwd: "/srv" }), text);
  });
}
