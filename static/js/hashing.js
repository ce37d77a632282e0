// Runs beside the page: reads a file piece by piece and gives its SHA-256, however large it is.
// The browser's own digest takes a whole file at once, which for 500 MB is 500 MB of memory.

import { sha256 } from "../vendor/noble-hashes/sha2.js";

const PIECE = 4 * 1024 * 1024;

self.addEventListener("message", async ({ data: file }) => {
  try {
    const digest = sha256.create();
    for (let at = 0; at < file.size; at += PIECE) {
      digest.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
      self.postMessage({ read: Math.min(at + PIECE, file.size) });
    }
    const hex = Array.from(digest.digest(), (byte) => byte.toString(16).padStart(2, "0")).join("");
    self.postMessage({ sha256: hex });
  } catch (fault) {
    self.postMessage({ fault: String(fault?.name ?? fault) });
  }
});
