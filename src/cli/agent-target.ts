import { LegionError } from "../lib/errors.ts";
import type { ObjectPlane } from "../reconcile/contract.ts";
import type { ResourceKey } from "../state/resource.ts";
import { notFound, oneTarget, type Scope } from "./references.ts";

/** The words of a command that is about one agent: its name alone will do. */
export function agentWords(words: readonly string[]): readonly string[] {
  const [word = "", ...others] = words;
  const isName = others.length === 0 && word !== "" && !word.includes("/");
  return isName ? [`agent/${word}`] : words;
}

/** The agent that a word such as `agent/reviewer` or `reviewer` names. Throws LEG7002 for anything else. */
export function agentTarget(word: string | undefined, scope: Scope, command: string): ResourceKey {
  if (word === undefined) throw noAgent(command);
  // The replicas of an agent are its pool.
  const agent = word.replace(/^pools?\//, "agent/");
  const key = oneTarget(agentWords([agent]), scope);
  if (key.kind === "Agent") return key;
  throw new LegionError({
    code: "LEG7002",
    message: `legion ${command} takes an agent, not a ${key.kind.toLowerCase()}`,
    hint: `write agent/NAME, for example: legion ${command} agent/assistant`,
    valid: ["agent/NAME"],
  });
}

function noAgent(command: string): LegionError {
  return new LegionError({
    code: "LEG7017",
    message: `legion ${command} needs the name of an agent`,
    hint: `legion get agents lists them; then: legion ${command} agent/NAME`,
  });
}

/** Does something with an agent of a daemon; when there is no such agent, the error names the one that was probably meant. */
export async function withAgent<T>(
  plane: ObjectPlane,
  agent: ResourceKey,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isUnknown = error instanceof LegionError && error.code === "LEG6030";
    throw isUnknown ? await notFound(plane, agent) : error;
  }
}
