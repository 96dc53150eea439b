import type { ScriptedMatch, ScriptedReply } from "../../manifest/generated/provider.ts";
import type { ChatMessage } from "../contract.ts";

/**
 * The reply that comes next in a conversation; undefined when none is left. It depends on the messages only: replies with
 * `when` come first, the others are used in order, one for each assistant message that no `when` stood behind.
 */
export function nextReply<Reply extends Pick<ScriptedReply, "when">>(
  replies: readonly Reply[],
  messages: readonly ChatMessage[],
): Reply | undefined {
  const conditional = replies.filter(({ when }) => when !== undefined);
  const ordered = replies.filter(({ when }) => when === undefined);
  const holds = matcher(conditional, messages);
  const matching = (length: number, step: number) =>
    conditional.find(({ when }) => when !== undefined && holds(when, length, step));
  let step = 1;
  let used = 0;
  for (const [index, { role }] of messages.entries()) {
    if (role !== "assistant") continue;
    if (matching(index, step) === undefined) used += 1;
    step += 1;
  }
  return matching(messages.length, step) ?? ordered[used];
}

/** Tells whether a condition holds for the first `length` messages; every text is searched for once, not once a prefix. */
function matcher(
  conditional: readonly Pick<ScriptedReply, "when">[],
  messages: readonly ChatMessage[],
) {
  const firstAt = new Map<string, number>();
  for (const { when } of conditional) {
    if (when?.contains === undefined || firstAt.has(when.contains)) continue;
    const { contains } = when;
    const index = messages.findIndex(({ content }) => content.includes(contains));
    firstAt.set(contains, index === -1 ? Number.POSITIVE_INFINITY : index);
  }
  return (
    { contains, lastContains, step: wanted }: ScriptedMatch,
    length: number,
    step: number,
  ): boolean =>
    (contains === undefined || (firstAt.get(contains) ?? Number.POSITIVE_INFINITY) < length) &&
    (lastContains === undefined ||
      (messages[length - 1]?.content.includes(lastContains) ?? false)) &&
    (wanted === undefined || wanted === step);
}
