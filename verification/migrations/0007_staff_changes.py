"""Two administrators for a new role and for a reset: what was proposed, and who approved it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('verification', '0006_strong_roads'),
    ]

    operations = [
        migrations.CreateModel(
            name='StaffChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('ROLE', 'new role'), ('RESET', 'new password and code app')], max_length=5, verbose_name='change')),
                ('role_was', models.CharField(choices=[('AGENT', 'agent'), ('CLERK', 'clerk'), ('SUPERVISOR', 'supervisor'), ('AUDITOR', 'auditor'), ('ADMINISTRATOR', 'administrator')], max_length=16, verbose_name='role')),
                ('role', models.CharField(blank=True, choices=[('AGENT', 'agent'), ('CLERK', 'clerk'), ('SUPERVISOR', 'supervisor'), ('AUDITOR', 'auditor'), ('ADMINISTRATOR', 'administrator')], max_length=16, verbose_name='new role')),
                ('because', models.CharField(max_length=200, verbose_name='reason')),
                ('proposed_at', models.DateTimeField(verbose_name='proposed')),
                ('proposed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='proposed by')),
                ('staff', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to=settings.AUTH_USER_MODEL, verbose_name='staff member')),
            ],
            options={
                'verbose_name': 'change of an account',
                'verbose_name_plural': 'changes of accounts',
            },
        ),
        migrations.CreateModel(
            name='StaffChangeApproval',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('approved_at', models.DateTimeField()),
                ('approved_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('change', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='verification.staffchange')),
            ],
        ),
        migrations.AddConstraint(
            model_name='staffchange',
            constraint=models.CheckConstraint(condition=models.Q(('staff', models.F('proposed_by')), _negated=True), name='staff_change_of_another'),
        ),
        migrations.AddConstraint(
            model_name='staffchange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'ROLE'), models.Q(('role', ''), _negated=True), models.Q(('role', models.F('role_was')), _negated=True)), models.Q(('kind', 'RESET'), ('role', '')), _connector='OR'), name='staff_change_says_what'),
        ),
    ]
