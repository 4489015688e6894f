/** A line of INFO, and the forms that values have there. Used by the sections. */

/** A line: a name and a value. */
export type Field = readonly [name: string, value: string | number];

export const KIB = 1024;

/** Fields about what does not exist here. */
export function zeros(...names: string[]): Field[] {
  return names.map((name) => [name, 0]);
}

/** A size as people read it: `1.50M`. */
export function humanBytes(bytes: number): string {
  const units = ["B", "K", "M", "G", "T", "P"];
  let unit = 0;
  let size = bytes;
  while (Math.abs(size) >= KIB && unit < units.length - 1) {
    size /= KIB;
    unit++;
  }
  return unit === 0 ? `${Math.round(size)}B` : `${size.toFixed(2)}${units[unit]}`;
}

/** A part in percent, with two decimals; of nothing, 0. */
export function percent(part: number, whole: number): string {
  return (whole === 0 ? 0 : (part / whole) * 100).toFixed(2);
}
