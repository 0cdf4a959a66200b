import { useLanguage } from '@/shared/words'
import styles from './page.module.css'

/** Big numbers beside one another; what is not known is left out. */
export function Numbers({ numbers }: { numbers: readonly (readonly [string, string | number | undefined])[] }) {
  const language = useLanguage()
  return (
    <dl className={styles['numbers']}>
      {numbers
        .filter(([, value]) => value !== undefined && value !== '')
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{typeof value === 'number' ? value.toLocaleString(language) : value}</dd>
          </div>
        ))}
    </dl>
  )
}
