export const PASSWORD_CHARS = { min: 10, max: 200 };

/** Common passwords that satisfy the minimum length. */
const COMMON = new Set([
  "1234567890",
  "0123456789",
  "0987654321",
  "password12",
  "password123",
  "password1234",
  "passwordpassword",
  "qwertyuiop",
  "qwertyuiop123",
  "qwerty12345",
  "qwerty123456",
  "1q2w3e4r5t",
  "1q2w3e4r5t6y",
  "1qaz2wsx3edc",
  "q1w2e3r4t5",
  "iloveyou123",
  "letmein123",
  "welcome123",
  "adminadmin",
  "administrator",
  "changeme123",
  "asdfghjkl123",
  "zaq12wsxcde3",
  "abcdefghij",
  "abcd123456",
  "football123",
  "p@ssw0rd123",
]);

/** Why a password is rejected: by length and a blocklist, without composition rules (NIST SP 800-63B, 3.1.1.2). */
export function passwordError(
  password: string,
  of: { email: string; name: string },
): string | undefined {
  // Normalised as it is hashed, so that every way to type a letter counts as one.
  const plain = password.normalize("NFC").toLowerCase();
  if (Array.from(plain).length < PASSWORD_CHARS.min) {
    return `use at least ${PASSWORD_CHARS.min} characters`;
  }
  if (COMMON.has(plain)) return "this password is too common: use another one";
  if (new Set(plain).size < 4) return "use at least four different characters";
  const [local = ""] = of.email.split("@");
  const own = [of.email, local, of.name.normalize("NFC").toLowerCase()].filter(
    (it) => it.length >= 4,
  );
  const rest = own.reduce((left, word) => left.replaceAll(word, ""), plain);
  return rest.length < 4 ? "use more than your own name or address" : undefined;
}
