import { Download } from 'lucide-react'
import { useCommands } from '@/shared/commands'
import { type Exported, type Format, formatRows, saveFile, useCurrentExport } from '@/shared/exporting'
import { Button, Popover, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import styles from './preferences.module.css'
import { words } from './words'

const TYPES: Readonly<Record<Format, string>> = { csv: 'text/csv', json: 'application/json' }
const FORMATS = ['csv', 'json'] as const

/** What the page shows, as a file; nothing where it offers none. */
export function ExportMenu() {
  const current = useCurrentExport()
  return current && <Menu exported={current} />
}

function Menu({ exported }: { exported: Exported }) {
  const say = useWords(words)
  const notes = useNotes()
  const save = async (format: Format) =>
    saveFile(`${exported.name}.${format}`, formatRows(await exported.rows(), format), TYPES[format])
  const run = (format: Format) => void save(format).catch(notes.failed)
  useCommands(
    FORMATS.map((format) => ({
      id: `export ${format}`,
      title: say(`export-${format}`),
      group: say('view'),
      run: () => run(format),
    })),
  )
  return (
    <Popover label={say('export')} button={<Download size={18} aria-hidden />} isIcon>
      {(close) => (
        <div className={styles['panel']}>
          {FORMATS.map((format) => (
            <Button
              key={format}
              onClick={() => {
                close()
                run(format)
              }}
            >
              {say(`export-${format}`)}
            </Button>
          ))}
        </div>
      )}
    </Popover>
  )
}
