"""Evidence of a document that was compared by name alone; the names of the kinds only."""

from django.db import migrations, models

KINDS = [
    ("KEYPAD_TOTP", "one-time code on the keypad"),
    ("KEYPAD_CODE_LIST", "code of a code list on the keypad"),
    ("IDENTITY_LIST", "identity document compared at the desk"),
    ("IDENTITY_ORDINARY", "document for ordinary matters compared at the desk"),
    ("IDENTITY_LESSER", "document for smaller matters compared at the desk"),
    ("IDENTITY_UNDATED", "document compared by name alone at the desk"),
    ("SECOND_CLERK", "second clerk confirmed"),
    ("VISIT_CODE", "visit code sent a day before"),
    ("CHIP", "chip of the document read"),
    ("SIGNED_SLIP", "slip with the exact matter signed"),
    ("PAGE_APPROVAL", "exact matter approved on the page of the visit"),
    ("SMS_CODE", "code of a text message on the keypad"),
    ("E_ID_SUBSTANTIAL", "strong electronic identification"),
    ("E_ID_HIGH", "strong electronic identification, level high"),
    ("CIBA_SUBSTANTIAL", "approved in his app with what he heard"),
    ("CIBA_HIGH", "approved in his app with what he heard, level high"),
    ("CIBA_APPROVED", "tapped approve in his app"),
    ("PASSKEY", "passkey"),
]


class Migration(migrations.Migration):
    dependencies = [("verification", "0013_separating_questions")]

    operations = [
        migrations.AlterField(
            model_name="evidence",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=20),
        ),
    ]
