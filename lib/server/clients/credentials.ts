/** Who may come in: there is one user, `default`, and a password if `requirepass` names one. Asked by the session. */

/** Whether a user with this password may come in, where `required` is the password to have; empty: none. */
export function credentialsValid(user: string, password: string, required: string): boolean {
  return user === "default" && (required === "" || sameSecret(password, required));
}

/** Compares two secrets in a time that does not tell how much of them agrees. */
function sameSecret(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i % Math.max(1, b.length));
  return difference === 0;
}
