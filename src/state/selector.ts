/** One condition on labels, parsed. `notIn` also holds where the label is absent. */
export type LabelRequirement =
  | {
      readonly label: string;
      readonly operator: "in" | "notIn";
      readonly values: readonly string[];
    }
  | { readonly label: string; readonly operator: "exists" | "absent" };

/** All requirements must hold; an empty selector takes everything. */
export type LabelSelector = readonly LabelRequirement[];

/** Whether labels meet a selector. */
export function selects(selector: LabelSelector, labels: Readonly<Record<string, string>>) {
  return selector.every((requirement) => meets(requirement, labels));
}

function meets(requirement: LabelRequirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, requirement.label) ? labels[requirement.label] : undefined;
  switch (requirement.operator) {
    case "exists":
      return value !== undefined;
    case "absent":
      return value === undefined;
    case "in":
      return value !== undefined && requirement.values.includes(value);
    case "notIn":
      return value === undefined || !requirement.values.includes(value);
  }
}
