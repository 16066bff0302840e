/** One element of structured data, in whose values `"`, `\` and `]` are escaped. */
const ELEMENT = /^\[([^\s="\]]{1,32})((?: [^\s="\]]{1,32}="(?:[^"\\\]]|\\.){0,4096}")*)\]/;
const PARAMETER = / ([^\s="\]]{1,32})="((?:[^"\\\]]|\\.){0,4096})"/g;
const ESCAPED = /\\(["\\\]])/g;
const NAME = "log.syslog.structured_data";

/**
 * The structured data of RFC 5424 at the beginning of the text, a character for each byte: its length, and its parameters
 * as ECS fields, `log.syslog.structured_data.ELEMENT.PARAMETER`. Several values of a parameter are separated by commas.
 */
export function structuredData(message: string): {
  length: number;
  fields: Record<string, string> | undefined;
} {
  if (!message.startsWith("["))
    return { length: message.startsWith("-") ? 1 : 0, fields: undefined };
  let length = 0;
  const fields: Record<string, string> = Object.create(null);
  for (let found = ELEMENT.exec(message); found; found = ELEMENT.exec(message.slice(length))) {
    const [all, element = "", parameters = ""] = found;
    for (const [, parameter = "", value = ""] of parameters.matchAll(PARAMETER)) {
      const name = `${NAME}.${decoded(element)}.${decoded(parameter)}`;
      const text = decoded(value.replace(ESCAPED, "$1"));
      fields[name] = name in fields ? `${fields[name]}, ${text}` : text;
    }
    length += all.length;
  }
  return { length, fields: length > 0 ? fields : undefined };
}

const decoded = (bytes: string): string => Buffer.from(bytes, "latin1").toString();
