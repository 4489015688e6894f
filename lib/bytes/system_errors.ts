/**
 * What the operating system says of a failed call, in the words of the C library: Redis shows them in replies and logs,
 * and the runtimes each have their own.
 */

const TEXTS: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EADDRINUSE: "Address already in use",
  EADDRNOTAVAIL: "Cannot assign requested address",
  EAGAIN: "Resource temporarily unavailable",
  EBUSY: "Device or resource busy",
  ECONNREFUSED: "Connection refused",
  ECONNRESET: "Connection reset by peer",
  EDQUOT: "Disk quota exceeded",
  EEXIST: "File exists",
  EFBIG: "File too large",
  EHOSTUNREACH: "No route to host",
  EINVAL: "Invalid argument",
  EIO: "Input/output error",
  EISDIR: "Is a directory",
  ELOOP: "Too many levels of symbolic links",
  EMFILE: "Too many open files",
  ENAMETOOLONG: "File name too long",
  ENETUNREACH: "Network is unreachable",
  ENFILE: "Too many open files in system",
  ENOENT: "No such file or directory",
  ENOMEM: "Cannot allocate memory",
  ENOSPC: "No space left on device",
  ENOTDIR: "Not a directory",
  ENOTEMPTY: "Directory not empty",
  EPERM: "Operation not permitted",
  EPIPE: "Broken pipe",
  EROFS: "Read-only file system",
  ETIMEDOUT: "Connection timed out",
  ETXTBSY: "Text file busy",
  EXDEV: "Invalid cross-device link",
};

/** The code (`ENOENT`) of a failed system call, or "" where the error has none. */
export function systemErrorCode(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

/**
 * Whether opening or syncing a directory failed as not every system opens directories, and not every file system syncs
 * them: a rename in it is then its own care. Any other error says that the rename may not be durable.
 */
export function isDirectoryNeverSynced(error: unknown): boolean {
  return ["EBADF", "EINVAL", "EISDIR", "ENOTSUP", "EOPNOTSUPP", "EPERM", "EACCES"].includes(systemErrorCode(error));
}

/** Why a system call failed, in one line. */
export function systemErrorText(error: unknown): string {
  const code = systemErrorCode(error);
  if (code in TEXTS) return TEXTS[code];
  const message = error instanceof Error ? error.message : String(error);
  return message.split("\n")[0];
}
