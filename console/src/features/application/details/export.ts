import { saveFile } from '@/shared/exporting'
import type { Json } from '../diff/paths'
import { yamlOf } from '../diff/yaml'
import type { Application } from '../model'
import { askArgo } from '../queries'
import { declarationOf } from './sources'

export type Form = 'YAML' | 'JSON'

/** Objects as one file: YAML documents, or a JSON list (a single object as itself). */
export function formatObjects(objects: readonly Json[], form: Form): string {
  if (form === 'YAML') return objects.map(yamlOf).join('---\n')
  return `${JSON.stringify(objects.length === 1 ? objects[0] : objects, null, 2)}\n`
}

export function exportApplication(application: Application, form: Form): void {
  saveFile(`${application.metadata.name}.${form.toLowerCase()}`, formatObjects([declarationOf(application)], form))
}

export async function exportManifests(application: Application, form: Form): Promise<void> {
  const { name } = application.metadata
  const { manifests } = await askArgo<{ manifests: string[] }>(application.metadata, ['manifests'])
  saveFile(
    `${name}-manifests.${form.toLowerCase()}`,
    formatObjects(
      manifests.map((text) => JSON.parse(text) as Json),
      form,
    ),
  )
}
