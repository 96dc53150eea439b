import { createToken, type ILexingResult, Lexer, type TokenType } from "chevrotain";

/** Every word with letters may stand behind a dot; only names, and `poll`, may begin an expression. */
export const Word = createToken({ name: "Word", pattern: Lexer.NA });
export const Identifier = createToken({ name: "Identifier", pattern: Lexer.NA, categories: Word });
const Name = createToken({
  name: "Name",
  pattern: /[A-Za-z_][A-Za-z0-9_]*/,
  categories: [Identifier, Word],
});
/** A name that no other word can be, in backquotes: `` x.`foo.txt` ``. */
export const QuotedName = createToken({ name: "QuotedName", pattern: /`[^`\n]+`/ });

/** Operators of one level of precedence share a category, so that the grammar asks for one word. */
export const OrWord = createToken({ name: '"or"', pattern: Lexer.NA });
export const AndWord = createToken({ name: '"and"', pattern: Lexer.NA });
export const RelationWord = createToken({ name: "a comparison", pattern: Lexer.NA });
export const SumWord = createToken({ name: '"+" or "-"', pattern: Lexer.NA });
export const ProductWord = createToken({ name: '"*", "/" or "%"', pattern: Lexer.NA });
/** keep, cooldown, repeat: a duration follows. */
export const TimedClauseWord = createToken({ name: "a clause", pattern: Lexer.NA });
export const PolicyWord = createToken({ name: '"fire", "ignore" or "hold"', pattern: Lexer.NA });
export const SignWord = createToken({ name: '"-" or "!"', pattern: Lexer.NA });

/** Which categories a word is in, besides that of all words. */
const categories: Readonly<Record<string, readonly TokenType[]>> = {
  poll: [Identifier],
  firing: [Identifier],
  keep: [TimedClauseWord],
  cooldown: [TimedClauseWord],
  repeat: [TimedClauseWord],
  fire: [PolicyWord],
  ignore: [PolicyWord],
  hold: [PolicyWord],
  or: [OrWord],
  "||": [OrWord],
  and: [AndWord],
  "&&": [AndWord],
  ...Object.fromEntries(
    [
      "==",
      "!=",
      "<",
      "<=",
      ">",
      ">=",
      "=",
      "in",
      "contains",
      "matches",
      "startsWith",
      "endsWith",
    ].map((text) => [text, [RelationWord]]),
  ),
  "+": [SumWord],
  "-": [SumWord, SignWord],
  "!": [SignWord],
  "*": [ProductWord],
  "/": [ProductWord],
  "%": [ProductWord],
};

const keywordNames =
  "when followed by within for of clear keep cooldown at most per once every poll repeat missing fire ignore hold between and except unless firing then wake silent on in or not contains matches startsWith endsWith true false null".split(
    " ",
  );

const keywords: Readonly<Record<string, TokenType>> = Object.fromEntries(
  keywordNames.map((name) => [
    name,
    createToken({
      name: `"${name}"`,
      pattern: name,
      longer_alt: Name,
      categories: [Word, ...(categories[name] ?? [])],
    }),
  ]),
);

/** The token type of a keyword of the list above. */
export function keyword(name: string): TokenType {
  const type = keywords[name];
  if (type === undefined) throw new Error(`"${name}" is not in the list of keywords`);
  return type;
}

function symbol(text: string): TokenType {
  return createToken({
    name: `"${text}"`,
    pattern: text,
    categories: [...(categories[text] ?? [])],
  });
}

export const Time = createToken({ name: "a time of day", pattern: /\d\d:\d\d(?!\d)/ });
export const Duration = createToken({
  name: "a duration",
  pattern: /(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+(?![A-Za-z0-9_])/,
});
export const Size = createToken({
  name: "a size",
  pattern: /\d+(?:\.\d+)?(?:[KMGT]i?B|kB|B)(?![A-Za-z0-9_])/,
});
export const Polls = createToken({ name: "a number of polls", pattern: /\d+[ \t]+polls?(?!\w)/ });
export const NumberWord = createToken({
  name: "a number",
  pattern: /(?:0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)(?![A-Za-z0-9_])/,
});
/** Digits with letters behind them that are no unit. */
export const BadNumber = createToken({ name: "a number", pattern: /\d+(?:\.\d+)?[A-Za-z_]\w*/ });

export const Text = createToken({
  name: "a string",
  pattern:
    /[rR]"""[\s\S]*?"""|[rR]'''[\s\S]*?'''|[rR]"[^"\r\n]*"|[rR]'[^'\r\n]*'|"""(?:\\[\s\S]|[^\\])*?"""|'''(?:\\[\s\S]|[^\\])*?'''|"(?:\\[^\r\n]|[^"\\\r\n])*"|'(?:\\[^\r\n]|[^'\\\r\n])*'/,
  start_chars_hint: ['"', "'", "r", "R"],
  line_breaks: true,
});
export const OpenText = createToken({
  name: "a string",
  pattern: /[rR]?["'][^\r\n]*/,
  start_chars_hint: ['"', "'", "r", "R"],
});
export const Target = createToken({
  name: "an action",
  pattern: /(?:tool|message|task|pipeline):[A-Za-z0-9_$]+(?:[.-][A-Za-z0-9_$]+)*/,
});

const symbols = [
  "==",
  "!=",
  "<=",
  ">=",
  "&&",
  "||",
  "??",
  "..",
  "=",
  "<",
  ">",
  "!",
  "?",
  ":",
  ".",
  ",",
  "+",
  "-",
  "*",
  "/",
  "%",
  "(",
  ")",
  "[",
  "]",
  "{",
  "}",
] as const;
export const sign = Object.fromEntries(symbols.map((text) => [text, symbol(text)])) as Readonly<
  Record<(typeof symbols)[number], TokenType>
>;
/** Not before a digit: `a ?.5 : 1` chooses a half. */
export const OptionalDot = createToken({ name: '"?."', pattern: /\?\.(?!\d)/ });

const Space = createToken({
  name: "Space",
  pattern: /[ \t\r\n]+/,
  group: Lexer.SKIPPED,
  line_breaks: true,
});
const Comment = createToken({ name: "Comment", pattern: /#[^\n]*/, group: Lexer.SKIPPED });

export const tokenTypes: TokenType[] = [
  Space,
  Comment,
  Text,
  OpenText,
  Target,
  ...Object.values(keywords),
  Name,
  QuotedName,
  Time,
  Polls,
  Duration,
  Size,
  NumberWord,
  BadNumber,
  OptionalDot,
  ...Object.values(sign),
  Word,
  Identifier,
  OrWord,
  AndWord,
  RelationWord,
  SumWord,
  ProductWord,
  SignWord,
  TimedClauseWord,
  PolicyWord,
];

const lexer = new Lexer(tokenTypes, {
  positionTracking: "onlyOffset",
  ensureOptimizations: true,
  skipValidations: true,
});

export function tokensOf(source: string): ILexingResult {
  return lexer.tokenize(source);
}
