/** A process of its own for crash tests: runs one turn of a team in a folder of state, and prints the result. LEGION_FAILPOINT kills it on the way. */
import { teamServices } from "./team-services.ts";

const code = `const w = await agents.start("writer");
await agents.cast(w, "cast");
const both = await agents.parallel(["a", "b"].map((row) => async (agents) => agents.then(agents.call("middle", row), "writer", (text) => text + "!")));
[await agents.tell(w, "told"), ...both, ...await agents.parallel([{ agent: "writer", task: "c" }, { agent: "middle", task: "d" }])]`;

const [folder = ""] = process.argv.slice(2);
await using tested = await teamServices(
  folder,
  {
    lead: {
      spec: { agents: ["writer", "middle"] },
      replies: [{ action: "eval_and_complete", code }],
    },
    middle: {
      spec: { agents: ["writer"] },
      replies: [{ action: "eval_and_complete", code: 'await agents.call("writer", "deep")' }],
    },
    writer: {
      replies: [{ when: { contains: " " }, action: "return", result: "text" }],
    },
  },
  process.env,
);
const result = await tested.run("lead", { key: "message/m1/1" });
const runs = await tested.journal.runs();
const value = result.status === "ok" ? result.value : result.error;
const ended = runs.map(({ agent, status }) => `${agent} ${status}`).toSorted();
const left = await tested.journal.conversations("uid-writer");
process.stdout.write(JSON.stringify({ value, ended, left }));
