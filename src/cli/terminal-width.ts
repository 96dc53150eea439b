/** The width of a terminal that does not tell its own. */
const WIDTH_DEFAULT = 80;

export type OutputStream = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
};

/** How many columns a terminal has; undefined for what is not a terminal, where nothing is to be cut. */
export function terminalWidth({ isTTY, columns }: OutputStream): number | undefined {
  return isTTY === true ? (columns ?? WIDTH_DEFAULT) : undefined;
}
