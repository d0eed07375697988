/** What JupyterLab's viewers want of the bytes of a file: text, base64, or a notebook. */

/** The body of an answer, or null as soon as it is larger than the limit in bytes. */
export async function readWithin(response: Response, limit: number): Promise<Uint8Array | null> {
  const declared = Number(response.headers.get('Content-Length') ?? 0);
  const reader = response.body?.getReader();
  if (!reader) {
    const whole = new Uint8Array(await response.arrayBuffer());
    return whole.length > limit ? null : whole;
  }
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    if (declared > limit || size > limit) {
      await reader.cancel().catch(() => undefined);
      return null;
    }
    const { done, value } = await reader.read();
    if (done) {
      break;
    }
    parts.push(value);
    size += value.length;
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The bytes as UTF-8, or null when they are not. */
export function bytesAsText(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** The bytes in base64; the browser's own code does it, without a string of each byte. */
export function bytesAsBase64(bytes: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      const url = reader.result as string;
      resolve(url.slice(url.indexOf(',') + 1));
    };
    reader.onerror = () => reject(reader.error ?? new Error('The file could not be read.'));
    reader.readAsDataURL(new Blob([bytes]));
  });
}

/** A notebook, or why there is none. */
export type NotebookContent =
  { notebook: { [key: string]: unknown } } | { notebook: null; problem: 'damaged' | 'old' };

/** Reads a notebook. What its author says about trusting it is taken out. */
export function bytesAsNotebook(bytes: Uint8Array): NotebookContent {
  let found: unknown;
  try {
    found = JSON.parse(bytesAsText(bytes) ?? '');
  } catch {
    return { notebook: null, problem: 'damaged' };
  }
  if (!isRecord(found)) {
    return { notebook: null, problem: 'damaged' };
  }
  if (!Array.isArray(found.cells)) {
    return { notebook: null, problem: 'worksheets' in found ? 'old' : 'damaged' };
  }
  distrust(found);
  return { notebook: found };
}

/**
 * Marks every cell of a notebook as not trusted, in place.
 *
 * A notebook can claim to be trusted, and JupyterLab believes what a drive hands to it: scripts in
 * the outputs would run with the rights of whoever looks. The Jupyter server checks a signature
 * before it lets that claim pass; for files out of somebody else's home there is none.
 */
export function distrust(notebook: { [key: string]: unknown }): void {
  const cells = Array.isArray(notebook.cells) ? notebook.cells : [];
  for (const cell of cells) {
    if (!isRecord(cell)) {
      continue;
    }
    if (isRecord(cell.metadata)) {
      delete cell.metadata.trusted;
    }
    if (cell.cell_type === 'code') {
      cell.metadata = { ...(isRecord(cell.metadata) ? cell.metadata : {}), trusted: false };
    }
  }
}

function isRecord(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
