import { errorData, LegionError } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import type { triggerLanguage } from "../trigger/language.ts";
import { durationOf, durationText } from "../trigger/literals.ts";
import { typeText } from "../trigger/value-types.ts";
import { renderError } from "./error-text.ts";
import { table } from "./help.ts";
import { functionPages, functionsText } from "./trigger-functions.ts";
import { sourceNamed } from "./trigger-input.ts";
import { isBareExpression } from "./trigger-kind.ts";
import { samplesIn } from "./trigger-samples.ts";
import type { TriggerSession } from "./trigger-session.ts";

interface PromptCommand {
  readonly takes?: string;
  readonly doc: string;
  readonly run: (session: TriggerSession, rest: string) => void | Promise<void>;
}

/** What a line may begin with a colon for. */
const commands: Readonly<Record<string, PromptCommand>> = {
  sample: {
    takes: "{JSON}",
    doc: "what the source gives at the last poll; alone it shows that",
    run(session, rest) {
      if (rest === "") return session.say(JSON.stringify(session.last() ?? {}));
      const [sample = {}] = samplesIn(rest);
      session.amend(sample);
    },
  },
  poll: {
    takes: "[{JSON}]",
    doc: "one more poll, 30s after the last; alone with the same sample",
    run(session, rest) {
      const { at: _, ...before } = session.last() ?? {};
      const samples = rest === "" ? [before] : samplesIn(rest);
      for (const sample of samples) session.poll(sample);
    },
  },
  time: {
    takes: "30s",
    doc: "lets time pass: the next poll comes so long after the last",
    run(session, rest) {
      const ms = durationOf(rest);
      if (ms === undefined || ms <= 0)
        throw refused(`:time does not take "${rest}"`, "write a length of time such as 30s or 2h");
      session.wait(ms);
      session.say(`the next poll is at ${durationText(session.nextMs())}`);
    },
  },
  type: {
    takes: "EXPR",
    doc: "the type of an expression",
    run: (session, rest) => session.evaluate(rest, "type"),
  },
  roots: {
    doc: "the names that the source gives, with their types",
    run(session) {
      const roots = Object.entries(session.roots());
      session.say(table(roots.map(([name, type]) => [name, typeText(type)])).join("\n"));
    },
  },
  functions: {
    takes: "[NAME]",
    doc: "the functions, or what one takes and gives",
    run: async (session, rest) =>
      session.say(functionsText(await functionPages(rest === "" ? undefined : rest))),
  },
  source: {
    takes: "NAME",
    doc: "goes on with another source; the polls are forgotten",
    run: (session, rest) => session.go(sourceNamed(rest)),
  },
  reset: { doc: "forgets the polls and the trigger", run: (session) => session.reset() },
  help: { doc: "this", run: (session) => session.say(helpText()) },
  quit: { doc: "leaves; so does ^D", run: () => {} },
};

function helpText(): string {
  const rows = Object.entries(commands).map(
    ([name, { takes = "", doc }]) => [`:${name} ${takes}`.trim(), doc] as const,
  );
  return [
    "An expression gives its value. A trigger stays, and tells what it does at every",
    "poll. What begins with a colon is a command:",
    ...table(rows),
  ].join("\n");
}

function refused(message: string, hint: string, valid?: readonly string[]): LegionError {
  return new LegionError({ code: "LEG7335", message, hint, ...(valid && { valid }) });
}

async function command(session: TriggerSession, line: string): Promise<void> {
  const [, name = "", rest = ""] = /^:(\S*)\s*(.*)$/s.exec(line) ?? [];
  const found = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (found !== undefined) return found.run(session, rest.trim());
  const known = Object.keys(commands).map((one) => `:${one}`);
  const near = suggest(`:${name}`, known);
  const hint = near === undefined ? `use one of: ${known.join(", ")}` : `did you mean ${near}?`;
  throw refused(`there is no command :${name}`, hint, known);
}

/** Takes one line of a trigger prompt; false when it is the last. It never rejects: what is wrong goes to stderr. */
export async function takeLine(
  session: TriggerSession,
  line: string,
  language: Awaited<ReturnType<typeof triggerLanguage.get>>,
  stderr: NodeJS.WritableStream,
): Promise<boolean> {
  const text = line.trim();
  if (text === ":quit" || text === ":q") return false;
  try {
    if (text.startsWith(":")) await command(session, text);
    else if (text !== "") {
      if (isBareExpression(text, language)) session.evaluate(text);
      else session.watch(text);
    }
  } catch (error) {
    session.hadError = true;
    stderr.write(renderError(errorData(error), stderr));
  }
  return true;
}
