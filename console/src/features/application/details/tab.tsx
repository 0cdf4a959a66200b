import { Download } from 'lucide-react'
import type { ReactNode } from 'react'
import { useAddress } from '@/shared/address'
import { Button, Card, CommandHint, Term, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useDeclared, useLack } from '../actions/api'
import type { Json } from '../diff/paths'
import { yamlOf } from '../diff/yaml'
import { type Application, automatedOf, type Source, sourcesOf } from '../model'
import { EditDialog } from './edit'
import { exportApplication, exportManifests, type Form } from './export'
import { linkOf, sourceTypes } from './sources'
import styles from './tab.module.css'
import { words } from './words'

/** What was asked for: sources with their parameters, destination, policy; edited here where Git does not declare it. */
export function DetailsTab({ application }: { application: Application }) {
  const { params, put } = useAddress()
  const open = (what: string) => put({ do: what }, 'step')
  return (
    <div className={styles['tab']}>
      <Sources application={application} onEdit={() => open('edit')} />
      <div className={styles['columns']}>
        <Destination application={application} />
        <Policy application={application} onEdit={() => open('automation')} />
        <Export application={application} />
      </div>
      {params.get('do') === 'edit' && <EditDialog application={application} onClose={() => open('')} />}
    </div>
  )
}

function Part({ title, action, children }: { title: string; action?: ReactNode; children: ReactNode }) {
  return (
    <Card aria-label={title}>
      <div className={styles['head']}>
        <h2>{title}</h2>
        {action}
      </div>
      {children}
    </Card>
  )
}

function Fact({ label, children }: { label: ReactNode; children: ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Sources({ application, onEdit }: { application: Application; onEdit: () => void }) {
  const say = useWords(words)
  const lack = useLack(application, 'update')
  const declared = useDeclared(application)
  const sources = sourcesOf(application)
  const types = sourceTypes(application)
  return (
    <Part
      title={say('sources')}
      action={
        <Button reason={lack ?? declared} onClick={onEdit}>
          {say('edit')}
        </Button>
      }
    >
      {declared && <p className={styles['declared']}>{declared}</p>}
      {sources.map((source, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: sources have no name; their order is part of what they are.
        <div key={index} className={styles['source']}>
          {sources.length > 1 && <h3>{say('source', { n: index + 1 })}</h3>}
          <SourceFacts source={source} type={types[index] ?? ''} />
          <Parameters source={source} />
        </div>
      ))}
    </Part>
  )
}

function SourceFacts({ source, type }: { source: Source; type: string }) {
  const say = useWords(words)
  const link = linkOf(source.repoURL)
  return (
    <dl className={styles['facts']}>
      <Fact label={say('repository')}>
        {link ? (
          <a href={link} target="_blank" rel="noreferrer">
            {link}
          </a>
        ) : (
          <code>{source.repoURL}</code>
        )}
      </Fact>
      {source.path && (
        <Fact label={say('path')}>
          <code>{source.path}</code>
        </Fact>
      )}
      {source.chart && (
        <Fact label={say('chart')}>
          <code>{source.chart}</code>
        </Fact>
      )}
      {source.ref && (
        <Fact label={say('ref')}>
          <code>${source.ref}</code>
        </Fact>
      )}
      <Fact label={<Term name="revision">{say('target')}</Term>}>
        <code>{source.targetRevision || 'HEAD'}</code>
      </Fact>
      {type && <Fact label={say('type')}>{type}</Fact>}
      {source.helm?.releaseName && <Fact label={say('release')}>{source.helm.releaseName}</Fact>}
      {source.kustomize?.namePrefix && <Fact label={say('prefix')}>{source.kustomize.namePrefix}</Fact>}
      {source.kustomize?.nameSuffix && <Fact label={say('suffix')}>{source.kustomize.nameSuffix}</Fact>}
      {source.directory?.recurse && <Fact label={say('recurse')}>{say('on')}</Fact>}
    </dl>
  )
}

function Parameters({ source }: { source: Source }) {
  const say = useWords(words)
  const { helm, kustomize } = source
  const values = helm?.valuesObject ? yamlOf(helm.valuesObject as Json) : (helm?.values ?? '')
  return (
    <>
      <Codes title={say('value-files')} lines={helm?.valueFiles} />
      <Codes title={say('images')} lines={kustomize?.images} />
      {helm?.parameters && helm.parameters.length > 0 && (
        <table className={styles['parameters']}>
          <caption>{say('parameters')}</caption>
          <tbody>
            {helm.parameters.map((each) => (
              <tr key={each.name}>
                <th scope="row">
                  <code>{each.name}</code>
                </th>
                <td>
                  <code>{each.value}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {values && (
        <details className={styles['values']}>
          <summary>{say('values')}</summary>
          <pre>{values}</pre>
        </details>
      )}
    </>
  )
}

function Codes({ title, lines }: { title: string; lines: readonly string[] | undefined }) {
  if (!lines || lines.length === 0) return null
  return (
    <div className={styles['codes']}>
      <h3>{title}</h3>
      <ul>
        {lines.map((line) => (
          <li key={line}>
            <code>{line}</code>
          </li>
        ))}
      </ul>
    </div>
  )
}

function Destination({ application }: { application: Application }) {
  const say = useWords(words)
  const { destination, project } = application.spec
  const labels = Object.entries(application.metadata.labels ?? {})
  return (
    <Part title={say('destination')}>
      <dl className={styles['facts']}>
        <Fact label={say('cluster')}>{destination.name || destination.server}</Fact>
        <Fact label={say('namespace')}>{destination.namespace || '–'}</Fact>
        <Fact label={<Term name="project">{say('project')}</Term>}>{project || 'default'}</Fact>
        {labels.length > 0 && (
          <Fact label={say('labels')}>
            {labels.map(([name, value]) => (
              <code key={name} className={styles['label']}>
                {name}={value}
              </code>
            ))}
          </Fact>
        )}
      </dl>
    </Part>
  )
}

function Policy({ application, onEdit }: { application: Application; onEdit: () => void }) {
  const say = useWords(words)
  const lack = useLack(application, 'update')
  const declared = useDeclared(application)
  const automated = automatedOf(application)
  const { syncOptions, retry } = application.spec.syncPolicy ?? {}
  const state = (is: boolean | undefined) => say(is ? 'on' : 'off')
  return (
    <Part
      title={say('policy')}
      action={
        <Button reason={lack ?? declared} onClick={onEdit}>
          {say('edit-automation')}
        </Button>
      }
    >
      <dl className={styles['facts']}>
        <Fact label={<Term name="sync">{say('automated')}</Term>}>{state(automated !== null)}</Fact>
        {automated && (
          <>
            <Fact label={<Term name="prune">{say('prune')}</Term>}>{state(automated.prune)}</Fact>
            <Fact label={<Term name="self-heal">{say('self-heal')}</Term>}>{state(automated.selfHeal)}</Fact>
          </>
        )}
      </dl>
      <Codes title={say('options')} lines={syncOptions} />
      <Block title={say('retry')} value={retry} />
      <Block title={say('ignored')} value={application.spec.ignoreDifferences} />
    </Part>
  )
}

function Block({ title, value }: { title: string; value: unknown }) {
  if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) return null
  return (
    <details className={styles['values']}>
      <summary>{title}</summary>
      <pre>{yamlOf(value as Json)}</pre>
    </details>
  )
}

const FORMS: readonly Form[] = ['YAML', 'JSON']

function Export({ application }: { application: Application }) {
  const say = useWords(words)
  const notes = useNotes()
  const { name, namespace } = application.metadata
  return (
    <Part title={say('export')}>
      <p className={styles['text']}>{say('export-text')}</p>
      <div className={styles['exports']}>
        {FORMS.map((form) => (
          <Button key={form} onClick={() => exportApplication(application, form)}>
            <Download size={14} aria-hidden />
            {say('export-application', { form })}
          </Button>
        ))}
        {FORMS.map((form) => (
          <Button key={form} onClick={() => void exportManifests(application, form).catch(notes.failed)}>
            <Download size={14} aria-hidden />
            {say('export-manifests', { form })}
          </Button>
        ))}
      </div>
      <CommandHint
        cli={`haori app manifests ${name} -o yaml`}
        api={`GET /api/v1/applications/${name}/manifests?appNamespace=${namespace}`}
      />
    </Part>
  )
}
