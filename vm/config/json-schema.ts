/** The schema of `skep.yaml` for editors, from the one that checks it. */
import * as z from 'zod';
import { configSchema } from './schema.js';

/** JSON schema 2020-12, as text. */
export function writeJsonSchema(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  return JSON.stringify({ title: 'skep.yaml', ...schema }, null, 2);
}
