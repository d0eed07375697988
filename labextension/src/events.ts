/** Server-sent events out of a stream of bytes. */

/** One event; `data` is text as it was sent. A comment, sent as a sign of life, has neither. */
export interface IServerEvent {
  event: string;
  data: string;
}

/** The events of a stream, in order. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<IServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let pending = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      pending += decoder.decode(value, { stream: true });
      const blocks = pending.split(/\r?\n\r?\n/);
      pending = blocks.pop() ?? '';
      for (const block of blocks) {
        yield parse(block);
      }
    }
  } finally {
    // Not awaited: a connection that hangs must not hold up the one who left.
    void reader.cancel().catch(() => undefined);
  }
}

function parse(block: string): IServerEvent {
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([a-z]+):? ?(.*)$/.exec(line) ?? [];
    if (field === 'event') {
      event = value;
    } else if (field === 'data') {
      data.push(value);
    }
  }
  return data.length ? { event, data: data.join('\n') } : { event: '', data: '' };
}
